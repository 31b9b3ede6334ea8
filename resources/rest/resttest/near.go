package resttest

import "fmt"

// places are locations in Switzerland, on both sides of the antimeridian, and nowhere.
func places() (steps []step) {
	for _, p := range []struct{ id, position string }{
		{"zurich", `,"position":{"latitude":47.3769,"longitude":8.5417}`}, {"bern", `,"position":{"latitude":46.9480,"longitude":7.4474}`},
		{"basel", `,"position":{"latitude":47.5596,"longitude":7.5886}`}, {"taveuni", `,"position":{"latitude":-16.8,"longitude":-179.97}`},
		{"rabi", `,"position":{"latitude":-16.8,"longitude":179.97}`}, {"nowhere", ""},
	} {
		steps = append(steps, step{do: "PUT Location/" + p.id, status: 201, body: fmt.Sprintf(`{"resourceType":"Location","id":%q,"name":%q%s}`, p.id, p.id, p.position)})
	}
	return steps
}

var nearSearches = []scenario{
	{"near", after(places(),
		step{do: "GET Location?near=47.0|7.5|20|km", status: 200, has: []string{`"total":1`, "Location/bern"}},
		step{do: "GET Location?near=47.0|7.5|100", status: 200, has: []string{`"total":3`, "Location/bern", "Location/basel", "Location/zurich"}},
		step{do: "GET Location?near=47.0|7.5|63|km", status: 200, has: []string{`"total":2`, "Location/basel"}, hasNot: []string{"Location/zurich"}},
		step{do: "GET Location?near=47.38|8.54", status: 200, has: []string{`"total":1`, "Location/zurich"}},
		step{do: "GET Location?near=-16.8|179.99|20|km&_sort=name", status: 200, has: []string{`"total":2`, "Location/rabi", "Location/taveuni"}},
		step{do: "GET Location?near=47.38|8.54|1|km,46.95|7.45|1|km&_total=accurate&_count=1", status: 200, has: []string{`"total":2`, `"relation":"next"`}},
		step{do: "GET Location?near=47.38|-179.99|5000|km", status: 200, has: []string{`"total":0`}}, // a pole is near, so that no longitude is out of the box
		step{do: "GET Location?near=0|0|30000|km", status: 200, has: []string{`"total":5`}, hasNot: []string{"Location/nowhere"}},
		step{do: "GET Location?near=47|8|1|lightyears", status: 400, has: []string{"lightyears", "near"}},
		step{do: "GET Location?near=97|8", status: 400, has: []string{"97", "latitude"}},
	)},
}
