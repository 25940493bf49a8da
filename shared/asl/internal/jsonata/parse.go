package jsonata

import (
	"fmt"
	"regexp"
)

// maxNested bounds expressions inside each other, maxTokens their length: the parser and the evaluator call themselves for each level, and
// a stack that is used up ends the process.
const (
	maxNested = 500
	maxTokens = 50_000
)

// parser reads an expression by the precedence of its operators: each token knows what it means at the beginning of an expression, and what
// it means behind a left side that it binds more strongly than the operator before.
type parser struct {
	lexer  lexer
	token  token
	tokens int
	depth  int
}

// parse gives the tree of an expression.
func parse(text string) (*node, error) {
	p := &parser{lexer: lexer{text: text}}
	if err := p.advance(false); err != nil {
		return nil, err
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != endToken {
		return nil, p.unexpected()
	}
	return shape(n)
}

func (p *parser) unexpected() error {
	return failAt(p.token.pos, "S0201", "Syntax error: %s", shown(p.token.shown()))
}

// advance reads the next token; infix says that an operator is due.
func (p *parser) advance(infix bool) error {
	if p.tokens++; p.tokens > maxTokens {
		return failAt(p.token.pos, "S0500", "The expression has more than %d words", maxTokens)
	}
	t, err := p.lexer.next(infix)
	if err != nil {
		return err
	}
	if t.kind == operatorToken {
		if _, known := powers[t.text]; !known {
			return failAt(t.pos, "S0204", "Unknown operator: %s", shown(t.text))
		}
	}
	p.token = t
	return nil
}

// at says whether the token is that operator.
func (p *parser) at(op string) bool { return p.token.kind == operatorToken && p.token.text == op }

// expect passes an operator that must stand here.
func (p *parser) expect(op string, infix bool) error {
	switch {
	case p.token.kind == endToken:
		return failAt(p.token.pos, "S0203", "Expected %s before end of expression", shown(op))
	case !p.at(op):
		return failAt(p.token.pos, "S0202", "Expected %s, got %s", shown(op), shown(p.token.shown()))
	}
	return p.advance(infix)
}

// power is how strongly the token binds what stands to its left.
func (p *parser) power() int {
	if p.token.kind != operatorToken {
		return 0
	}
	return powers[p.token.text]
}

// expression reads as far as operators bind more strongly than power.
func (p *parser) expression(power int) (*node, error) {
	if p.depth++; p.depth > maxNested {
		return nil, failAt(p.token.pos, "S0500", "More than %d expressions inside each other", maxNested)
	}
	defer func() { p.depth-- }()
	t := p.token
	if err := p.advance(true); err != nil {
		return nil, err
	}
	left, err := p.begin(t)
	for err == nil && power < p.power() {
		t = p.token
		if err = p.advance(false); err == nil {
			left, err = p.behind(t, left)
		}
	}
	return left, err
}

// begin is what a token means at the beginning of an expression.
func (p *parser) begin(t token) (*node, error) {
	n := &node{text: t.text, pos: t.pos}
	switch t.kind {
	case endToken:
		n.kind = endNode
	case textToken:
		n.kind = textNode
	case numberToken:
		n.kind, n.number = numberNode, t.number
	case valueToken:
		n.kind, n.value = valueNode, t.value
	case nameToken:
		n.kind = nameNode
	case variableToken:
		n.kind = variableNode
	case regexToken:
		n.kind = regexNode
		flags := ""
		if t.flags != "" {
			flags = "(?" + t.flags + ")"
		}
		re, err := regexp.Compile(flags + t.text)
		if err != nil {
			return nil, failAt(t.pos, "S0500", "The regular expression /%s/ cannot be used here: %v", t.text, err)
		}
		n.value = &regex{re}
	default:
		return p.prefix(n)
	}
	return n, nil
}

// prefix is what an operator means at the beginning of an expression.
func (p *parser) prefix(n *node) (*node, error) {
	var err error
	switch n.text {
	case "and", "or", "in":
		n.kind = nameNode
	case "*":
		n.kind = wildcardNode
	case "**":
		n.kind = descendantNode
	case "%":
		n.kind = parentNode
	case "-":
		n.kind = negationNode
		n.lhs, err = p.expression(70)
	case "(":
		return p.block(n)
	case "[":
		n.kind = arrayNode
		n.list, err = p.items("]", p.item)
	case "{":
		n.kind = objectNode
		n.pairs, err = p.object()
	case "|":
		return p.transform(n)
	default:
		return nil, failAt(n.pos, "S0211", "The symbol %s cannot be used as a unary operator", shown(n.text))
	}
	return n, err
}

// behind is what an operator means behind a left side.
func (p *parser) behind(t token, left *node) (*node, error) {
	n := &node{kind: binaryNode, text: t.text, pos: t.pos, lhs: left}
	var err error
	switch t.text {
	case "(":
		return p.call(n)
	case "[":
		if p.at("]") {
			kept := left
			for kept.kind == binaryNode && kept.text == "[" {
				kept = kept.lhs
			}
			kept.keepArray = true
			return left, p.advance(false)
		}
		if n.rhs, err = p.expression(0); err == nil {
			err = p.expect("]", true)
		}
	case "{":
		n.pairs, err = p.object()
	case "^":
		err = p.order(n)
	case ":=":
		if left.kind != variableNode {
			return nil, failAt(left.pos, "S0212", "The left side of := must be a variable name (start with $)")
		}
		n.rhs, err = p.expression(powers[":="] - 1)
	case "@", "#":
		if n.rhs, err = p.expression(80); err == nil && n.rhs.kind != variableNode {
			err = failAt(n.rhs.pos, "S0214", "The right side of %s must be a variable name (start with $)", shown(t.text))
		}
	case "?":
		return p.condition(n)
	default:
		n.rhs, err = p.expression(powers[t.text])
	}
	return n, err
}

// items reads a list up to its closing bracket.
func (p *parser) items(closing string, item func() (*node, error)) ([]*node, error) {
	var out []*node
	for !p.at(closing) || len(out) > 0 {
		n, err := item()
		if err != nil {
			return nil, err
		}
		out = append(out, n)
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	return out, p.expect(closing, true)
}

// item is an expression or a range a..b, which stands only in an array.
func (p *parser) item() (*node, error) {
	n, err := p.expression(0)
	if err != nil || !p.at("..") {
		return n, err
	}
	span := &node{kind: binaryNode, text: "..", pos: p.token.pos, lhs: n}
	if err = p.advance(false); err == nil {
		span.rhs, err = p.expression(0)
	}
	return span, err
}

// argument is an expression or a question mark for one that is left open.
func (p *parser) argument() (*node, error) {
	if p.at("?") {
		n := &node{kind: placeholderNode, pos: p.token.pos}
		return n, p.advance(false)
	}
	return p.expression(0)
}

func (p *parser) object() ([][2]*node, error) {
	var out [][2]*node
	for !p.at("}") || len(out) > 0 {
		k, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		if err := p.expect(":", false); err != nil {
			return nil, err
		}
		v, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		out = append(out, [2]*node{k, v})
		if !p.at(",") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	return out, p.expect("}", true)
}

func (p *parser) block(n *node) (*node, error) {
	n.kind = blockNode
	for !p.at(")") {
		e, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, e)
		if !p.at(";") {
			break
		}
		if err := p.advance(false); err != nil {
			return nil, err
		}
	}
	return n, p.expect(")", true)
}

func (p *parser) condition(n *node) (*node, error) {
	n.kind = conditionNode
	then, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	n.list, n.lhs = []*node{n.lhs, then}, nil
	if !p.at(":") {
		return n, nil
	}
	if err := p.advance(false); err != nil {
		return nil, err
	}
	otherwise, err := p.expression(0)
	n.list = append(n.list, otherwise)
	return n, err
}

func (p *parser) transform(n *node) (*node, error) {
	n.kind = transformNode
	for i := range 3 {
		e, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, e)
		switch {
		case i == 0:
			err = p.expect("|", false)
		case i == 2 || !p.at(","):
			return n, p.expect("|", false)
		default:
			err = p.advance(false)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

// order reads the terms of ^( … ).
func (p *parser) order(n *node) error {
	if err := p.expect("(", false); err != nil {
		return err
	}
	for {
		t := term{descending: p.at(">")}
		if p.at("<") || p.at(">") {
			if err := p.advance(false); err != nil {
				return err
			}
		}
		var err error
		if t.expr, err = p.expression(0); err != nil {
			return err
		}
		n.terms = append(n.terms, t)
		if !p.at(",") {
			return p.expect(")", false)
		}
		if err := p.advance(false); err != nil {
			return err
		}
	}
}

// call reads the arguments of a call, or a function that is written here.
func (p *parser) call(n *node) (*node, error) {
	n.kind = callNode
	var err error
	if n.list, err = p.items(")", p.argument); err != nil {
		return nil, err
	}
	for _, a := range n.list {
		if a.kind == placeholderNode {
			n.kind = partialNode
		}
	}
	if n.lhs.kind == nameNode && (n.lhs.text == "function" || n.lhs.text == "λ") {
		return p.lambda(n)
	}
	return n, nil
}

func (p *parser) lambda(n *node) (*node, error) {
	for i, a := range n.list {
		if a.kind != variableNode {
			return nil, failAt(a.pos, "S0208", "Parameter %d of function definition must be a variable name (start with $)", i+1)
		}
		n.params = append(n.params, a.text)
	}
	n.kind, n.list, n.lhs = lambdaNode, nil, nil
	var err error
	if p.at("<") {
		if n.sig, err = p.signature(); err != nil {
			return nil, err
		}
	}
	if err = p.expect("{", false); err != nil {
		return nil, err
	}
	if n.rhs, err = p.expression(0); err != nil {
		return nil, err
	}
	return n, p.expect("}", true)
}

// signature reads <…> behind the parameters of a function.
func (p *parser) signature() (*signature, error) {
	pos, text := p.token.pos, "<"
	for depth := 1; depth > 0 && !p.at("{") && p.token.kind != endToken; {
		if err := p.advance(false); err != nil {
			return nil, err
		}
		switch {
		case p.at(">"):
			depth--
		case p.at("<"):
			depth++
		}
		text += fmt.Sprint(p.token.shown())
	}
	if err := p.expect(">", false); err != nil {
		return nil, err
	}
	return readSignature(text, pos)
}
