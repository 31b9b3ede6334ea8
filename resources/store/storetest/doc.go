// Package storetest is the contract of a resources/store as tests, which every store passes: Run for what its methods promise,
// Concurrency for what many callers at once may rely on, Oracle for the meaning of searches. A store's own test file is a few
// lines:
//
//	func TestStore(t *testing.T)       { storetest.Run(t, open) }
//	func TestConcurrency(t *testing.T) { storetest.Concurrency(t, open) }
//	func TestOracle(t *testing.T)      { storetest.Oracle(t, open) }
//
// open gives a store without resources that is closed when the test ends.
package storetest
