// Package benchmark measures the server over HTTP against floors: bare programs that do the same I/O in the same run, on the
// same machine and the same bytes. Figures are ratios to them, since machines differ. It has tests only; "make bench" runs them
// and prints the table of docs/benchmarks.md.
package benchmark
