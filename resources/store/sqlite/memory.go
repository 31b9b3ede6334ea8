package sqlite

// memory is what the tables word and span are known to hold, so that most resources write nothing there. What is learned in a
// transaction is kept on top of what was known before, until the transaction is durable.
type memory struct {
	below *memory
	words map[wordRow]struct{}
	spans map[int64]spanRow
}

func newMemory(below *memory) *memory {
	return &memory{below, map[wordRow]struct{}{}, map[int64]spanRow{}}
}

// maxWords bounds what is remembered of uris that each occur once.
const maxWords = 1 << 17

// learn says whether the word is news.
func (m *memory) learn(w wordRow) bool {
	for k := m; k != nil; k = k.below {
		if _, ok := k.words[w]; ok {
			return false
		}
	}
	m.words[w] = struct{}{}
	return true
}

// widen says whether the span is wider than known.
func (m *memory) widen(s spanRow) bool {
	for k := m; k != nil; k = k.below {
		if have, ok := k.spans[s.param]; ok && have.width >= s.width && (have.several || !s.several) {
			return false
		}
	}
	m.spans[s.param] = s.union(m.spans[s.param])
	return true
}

func (s spanRow) union(t spanRow) spanRow {
	return spanRow{s.param, max(s.width, t.width), s.several || t.several}
}

// keep adds what was learned to what is below.
func (m *memory) keep() {
	if len(m.below.words) > maxWords {
		clear(m.below.words)
	}
	for w := range m.words {
		m.below.words[w] = struct{}{}
	}
	for p, s := range m.spans {
		m.below.spans[p] = s.union(m.below.spans[p])
	}
}
