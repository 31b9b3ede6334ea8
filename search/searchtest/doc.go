// Package searchtest makes resources and searches at random, and keeps the answers: a World that holds generated resources and
// searches them with search/match. Property tests of the three evaluators (search/match itself, SQLite, MongoDB) draw from it and
// demand the same results.
//
// The resources are of the nine types that the clinic works with and three more, for numbers (RiskAssessment), longer chains
// (Organization) and canonicals (PlanDefinition). Their values come from small pools, so that searches find something, and hold what searches stumble over:
// accents and case, several values and none, periods open at an end, equal instants in different zones, comparators, dangling
// and foreign references, ids that differ in case alone. The searches cover every type of parameter with its prefixes, modifiers,
// lists, chains, _has and sorts; their values come from the World's own index entries.
package searchtest
