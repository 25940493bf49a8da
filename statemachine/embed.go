package statemachine

import _ "embed"

// syncText is the text of the definition, holes and all.
//
//go:embed sync.asl.json
var syncText string
