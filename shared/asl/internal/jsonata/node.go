package jsonata

// nodeKind says what a node of the tree is.
type nodeKind uint8

const (
	textNode nodeKind = iota
	numberNode
	valueNode // true, false, null
	nameNode
	variableNode
	regexNode
	wildcardNode    // *
	descendantNode  // **
	parentNode      // %
	pathNode        // steps, in list
	sortNode        // ^( … ), a step of a path
	binaryNode      // an operator between lhs and rhs
	negationNode    // - of lhs
	arrayNode       // items, in list
	objectNode      // pairs
	blockNode       // expressions, in list
	conditionNode   // list: condition, then and, where there is one, else
	bindNode        // variable text := rhs
	callNode        // lhs with the arguments in list
	partialNode     // the same with open arguments
	placeholderNode // an open argument
	lambdaNode      // params, rhs
	applyNode       // lhs ~> rhs
	transformNode   // list: pattern, update and, where there is one, delete
	endNode         // where an expression was due; shape refuses it
)

// node is a part of an expression. The parser makes it, shape completes it, and nothing changes it after that.
type node struct {
	kind   nodeKind
	text   string // name, operator, text
	number float64
	value  any // of a valueNode; the *regex of a regexNode
	pos    int // see token
	lhs    *node
	rhs    *node
	list   []*node
	pairs  [][2]*node
	terms  []term
	params []string
	sig    *signature // of a lambda

	predicates []stage // [ … ] behind a node that is no step of a path
	stages     []stage // [ … ] and # behind a step
	group      *node   // { … } behind it
	focus      string  // variable of @
	index      string  // variable of #
	ancestor   *slot   // the % that means what this step was given
	seeking    []*slot // the % inside whose step is further to the left
	slot       *slot   // of a parentNode
	tuple      bool    // a step from which on the path carries variables
	keepArray  bool    // [] behind it
	keepOne    bool    // of a path: one of its steps has []
	built      bool    // an array constructor at the beginning or end of a path
	tail       bool    // a call in tail position
	plain      int     // of a path: so many steps at the beginning are bare names or a variable
}

// term is one of the terms of ^( … ).
type term struct {
	expr       *node
	descending bool
}

// stage narrows the items of a step or gives each its number.
type stage struct {
	filter *node
	index  string // variable of #, where filter is nil
}

// slot is what one % stands for: the context of a step so many levels to the left, bound under a label.
type slot struct {
	label string
	level int
	at    int // in the list of all
}
