package sqlite

import "testing"

// TestManyConditions: of thousands of conditions not each is compared with all others, which would take longer than to ask one twice.
func TestManyConditions(t *testing.T) {
	var parts []node
	for i := range 3 * maxCompared {
		parts = append(parts, hasTerm{term: int64(i)})
	}
	twice := and(append(parts, parts[0], parts[maxCompared-1], parts[len(parts)-1])...)
	if list, ok := twice.(andNode); !ok || len(list) != len(parts)+1 {
		t.Errorf("%d conditions of which three stand twice are %#v", len(parts)+3, twice)
	}
	if one := and(parts[7], parts[7]); one != parts[7] {
		t.Errorf("a condition that stands twice is %#v", one)
	}
}
