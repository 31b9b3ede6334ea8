package search_test

import (
	"fmt"

	"fhirside/search"
)

func ExampleParse() {
	q, err := search.Parse(search.R4(), "Observation", []search.Parameter{
		{Name: "patient", Value: "Patient/1"},
		{Name: "date", Value: "ge2020"},
		{Name: "_sort", Value: "-date"},
	}, search.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range q.Filter.(search.And) {
		fmt.Printf("%T %+v\n", f, f)
	}
	fmt.Printf("%+v\n", q.Sort)

	_, err = search.Parse(search.R4(), "Observation", []search.Parameter{{Name: "date", Value: "soon"}}, search.Options{})
	fmt.Println(err)
	// Output:
	// search.Reference {Param:patient Type:Patient ID:1 URL: Version: Names:false Begins:false}
	// search.Date {Param:date Op:4 Lo:1577836800000000 Hi:1609459200000000}
	// [{Param:date Kind:date Descending:true}]
	// search parameter "date": "soon" is not a date: write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or a zone such as +01:00, after eq, ne, gt, lt, ge, le, sa, eb, ap or nothing (at date)
}
