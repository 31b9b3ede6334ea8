package fhirpath

// nodeKind says what a node of the syntax tree is.
type nodeKind uint8

const (
	nodeLiteral  nodeKind = iota // value; {} is an empty literal
	nodeMember                   // name
	nodeFunction                 // name(args…)
	nodeDot                      // args[0] . args[1], which is a member, function or variable
	nodeIndex                    // args[0] [ args[1] ]
	nodeUnary                    // + or - args[0]
	nodeBinary                   // args[0] name args[1]
	nodeType                     // args[0] is|as typeName
	nodeVariable                 // $name
	nodeExternal                 // %name
)

// node is a node of the syntax tree.
type node struct {
	kind     nodeKind
	at       int    // byte offset in the expression
	name     string // of a member, function, variable; the operator of the others
	typeName string // of is and as, as it was written: "Patient", "FHIR.Patient"
	value    any    // of a literal: a system value; nil for {}
	args     []*node
}

// unions are the parts of a union at the top of the tree, in order: a | b | c.
func (n *node) unions() []*node {
	if n.kind != nodeBinary || n.name != "|" {
		return []*node{n}
	}
	return append(n.args[0].unions(), n.args[1].unions()...)
}

// root is the node that the expression begins with.
func (n *node) root() *node {
	for n.kind != nodeLiteral && len(n.args) > 0 && n.kind != nodeFunction {
		n = n.args[0]
	}
	return n
}
