// Package mongotest gives tests a MongoDB server: one that runs already, or one that it starts on a free port and in a private
// folder and ends with the test process. It never fakes one.
//
// It takes, in this order: the server that FHIRSIDE_TEST_MONGODB_URI names; a mongod on the PATH or named by FHIRSIDE_MONGOD, started as a
// replica set of one node; a Docker engine with the official mongo image; secantusd-rs (SecantusDB's Rust server, which speaks MongoDB's protocol)
// named by FHIRSIDE_SECANTUSD, on the PATH or in .cache/tools/bin of the repository. Where none is there, tests are skipped with
// a notice, or fail if FHIRSIDE_REQUIRE_MONGODB is 1, as it is in make test.
//
// Fail points (errors that the server gives on demand) need a mongod, or SecantusDB's Python server: secantusd-py, named by
// FHIRSIDE_SECANTUSD_PY, on the PATH or in .cache/tools/bin. `make test` and `make mongodb` install both of SecantusDB's.
package mongotest
