package fhirpath

import (
	"sync"
	"time"

	"fhirside/fhir"
)

// Expression is a compiled expression. It may be used by several goroutines at once.
type Expression struct {
	source string
	tree   *node
	run    program
}

// Compile parses an expression and resolves its functions, types and literals. The error is an *fhir.Error of reason Invalid
// that says line and column.
func Compile(expression string) (*Expression, error) {
	tree, err := parse(expression)
	if err != nil {
		return nil, err
	}
	return (&compiler{source: expression}).expression(tree)
}

func (k *compiler) expression(tree *node) (*Expression, error) {
	run, err := k.compile(tree)
	if err != nil {
		return nil, err
	}
	return &Expression{k.source, tree, run}, nil
}

// String is the expression as it was written.
func (x *Expression) String() string { return x.source }

// Environment is what an evaluation may know beside its focus. The zero value knows nothing.
type Environment struct {
	// Resource is %resource, the resource that the focus is in; unless set, the focus's document. RootResource is %rootResource,
	// what contains that; unless set, the same.
	Resource, RootResource Item
	// Variables are %name.
	Variables map[string][]Item
	// Resolve finds what a reference refers to outside the document; nil if it is not to be had. Without it resolve() knows the
	// type of such a resource and nothing else.
	Resolve func(reference string) *fhir.Resource
	// Now is the clock of now(), today() and timeOfDay(); unless set, the system's.
	Now func() time.Time
}

// Evaluate is the expression's result on a resource. The error is an *fhir.Error of reason Unprocessable.
func (x *Expression) Evaluate(r *fhir.Resource) ([]Item, error) {
	return x.Append(nil, Focus(r), nil)
}

// Append appends the expression's result on a focus to dst. env may be nil.
func (x *Expression) Append(dst []Item, focus Item, env *Environment) ([]Item, error) {
	c := evaluations.Get().(*evaluation)
	defer evaluations.Put(c)
	c.begin(x, focus, env)
	dst, err := x.run(c, c.this, dst)
	c.end()
	return dst, err
}

var evaluations = sync.Pool{New: func() any { return new(evaluation) }}

// evaluation is one run of an expression.
type evaluation struct {
	env     *Environment
	context [1]Item
	this    []Item // $this: one item, or none
	index   int    // $index
	total   []Item // $total
	work    int    // what may still be done
	now     *temporal
	buffers [][]Item
}

// work that an evaluation may do: items produced or compared. It grows with the document, which $everything and invariants walk
// several times.
const baseWork = 1 << 20

func (c *evaluation) begin(x *Expression, focus Item, env *Environment) {
	if env == nil {
		env = &noEnvironment
	}
	c.env, c.context[0], c.index, c.total, c.now = env, focus, 0, nil, nil
	c.this = c.context[:]
	c.work = baseWork
	if d := focus.element.Document(); d != nil {
		c.work += 4 * len(d.Bytes())
	}
}

var noEnvironment Environment

// end forgets the document, which a pooled evaluation must not keep in memory.
func (c *evaluation) end() {
	c.env, c.context[0], c.this, c.total, c.now = nil, Item{}, nil, nil, nil
}

// buffer is an empty collection for an intermediate result, to be given back by release.
func (c *evaluation) buffer() []Item {
	if n := len(c.buffers); n > 0 {
		b := c.buffers[n-1]
		c.buffers = c.buffers[:n-1]
		return b
	}
	return make([]Item, 0, 8)
}

// release takes a buffer back that nothing refers to any more.
func (c *evaluation) release(b []Item) {
	const keep = 256
	if cap(b) <= keep {
		clear(b)
		c.buffers = append(c.buffers, b[:0])
	}
}

// resource is %resource.
func (c *evaluation) resource() Item {
	if c.env.Resource.typ != nil {
		return c.env.Resource
	}
	if d := c.context[0].element.Document(); d != nil {
		return Focus(d)
	}
	return Item{}
}

// rootResource is %rootResource.
func (c *evaluation) rootResource() Item {
	if c.env.RootResource.typ != nil {
		return c.env.RootResource
	}
	return c.resource()
}
