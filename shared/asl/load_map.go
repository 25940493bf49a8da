package asl

import "strings"

func (l *loader) mapState(s *State, f map[string]*node, vars map[string]bool) {
	m := &Iterate{}
	s.Iterate = m
	m.Items = l.items(f)
	m.ItemsPath = l.path(f, "ItemsPath")
	m.ItemSelector = l.optional(f, "ItemSelector")
	if m.ItemSelector == nil { // its older name
		m.ItemSelector = l.optional(f, "Parameters")
		if m.ItemSelector != nil {
			m.ItemSelector.field = "ItemSelector"
		}
	}
	m.MaxConcurrency = l.amount(f, "MaxConcurrency", 0)
	m.ToleratedFailureCount = l.amount(f, "ToleratedFailureCount", 0)
	m.ToleratedFailurePercentage = l.amount(f, "ToleratedFailurePercentage", 0)
	m.Label = l.text(f["Label"])
	m.ItemReader = l.itemReader(f["ItemReader"])
	m.ItemBatcher = l.itemBatcher(f["ItemBatcher"])
	m.ResultWriter = l.resultWriter(f["ResultWriter"])
	n := f["ItemProcessor"]
	if n == nil {
		n = f["Iterator"] // its older name
	}
	l.processor(s, n, vars)
	if m.Distributed {
		return
	}
	for _, name := range []string{"ItemReader", "ItemBatcher", "ResultWriter", "Label"} { // a tolerance is taken, and does nothing
		if n := f[name]; n != nil {
			l.add(n.path, "wrong_value", "%s belongs to a Map whose ProcessorConfig has the Mode DISTRIBUTED", name)
		}
	}
}

func (l *loader) items(f map[string]*node) *Template {
	t := l.optional(f, "Items")
	if t == nil {
		return nil
	}
	if v, ok := t.Constant(); ok && !l.reported(f["Items"].path) {
		if _, isArray := v.([]any); !isArray {
			l.add(f["Items"].path, "wrong_type", "Items must be an array or an expression")
		}
	}
	return t
}

func (l *loader) processor(s *State, n *node, vars map[string]bool) {
	m := s.Iterate
	m.Processor = &Flow{}
	if n == nil {
		l.add(s.Path, "missing_field", "ItemProcessor is missing")
		return
	}
	f := l.fields(n, "ItemProcessor", "ProcessorConfig", "StartAt", "States", "Comment", "QueryLanguage")
	if f == nil {
		return
	}
	if c := f["ProcessorConfig"]; c != nil {
		cf := l.fields(c, "ProcessorConfig", "Mode", "ExecutionType")
		switch mode := l.text(cf["Mode"]); mode {
		case "DISTRIBUTED":
			m.Distributed = true
		case "INLINE", "":
		default:
			l.add(c.path+"/Mode", "wrong_value", "Mode is INLINE or DISTRIBUTED")
		}
		m.Express = l.text(cf["ExecutionType"]) == "EXPRESS"
	}
	if m.Distributed {
		vars = nil // its flow sees no variables from outside
	}
	m.Processor = l.flow(n.path, f, vars)
}

func (l *loader) itemReader(n *node) *ItemReader {
	if n == nil {
		return nil
	}
	f := l.fields(n, "ItemReader", "Resource", "Parameters", "Arguments", "ReaderConfig")
	r := &ItemReader{Resource: l.required(f, n.path, "Resource"), Parameters: l.parametersOrArguments(f)}
	c := f["ReaderConfig"]
	if c == nil {
		return r
	}
	cf := l.fields(c, "ReaderConfig", "InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer", "Transformation", "ManifestType")
	r.InputType = strings.ToUpper(l.text(cf["InputType"]))
	r.CSVHeaderLocation = l.text(cf["CSVHeaderLocation"])
	r.CSVDelimiter = l.text(cf["CSVDelimiter"])
	if _, ok := delimiters[r.CSVDelimiter]; !ok {
		l.add(c.path+"/CSVDelimiter", "wrong_value", "CSVDelimiter is COMMA, PIPE, SEMICOLON, SPACE or TAB")
	}
	r.ItemsPointer = l.text(cf["ItemsPointer"])
	r.Transformation = l.text(cf["Transformation"])
	r.MaxItems = l.amount(cf, "MaxItems", 0)
	if h := cf["CSVHeaders"]; h != nil {
		for _, name := range l.array(h) {
			r.CSVHeaders = append(r.CSVHeaders, l.text(name))
		}
	}
	return r
}

func (l *loader) parametersOrArguments(f map[string]*node) *Template {
	if l.language == JSONata {
		return l.optional(f, "Arguments")
	}
	return l.optional(f, "Parameters")
}

func (l *loader) itemBatcher(n *node) *ItemBatcher {
	if n == nil {
		return nil
	}
	f := l.fields(n, "ItemBatcher", "BatchInput", "MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath")
	return &ItemBatcher{
		BatchInput:            l.optional(f, "BatchInput"),
		MaxItemsPerBatch:      l.amount(f, "MaxItemsPerBatch", 1),
		MaxInputBytesPerBatch: l.amount(f, "MaxInputBytesPerBatch", 1),
	}
}

func (l *loader) resultWriter(n *node) *ResultWriter {
	if n == nil {
		return nil
	}
	f := l.fields(n, "ResultWriter", "Resource", "Parameters", "Arguments", "WriterConfig")
	w := &ResultWriter{Resource: l.text(f["Resource"]), Parameters: l.parametersOrArguments(f)}
	if c := f["WriterConfig"]; c != nil {
		cf := l.fields(c, "WriterConfig", "Transformation", "OutputType")
		w.Transformation, w.OutputType = l.text(cf["Transformation"]), l.text(cf["OutputType"])
	}
	return w
}
