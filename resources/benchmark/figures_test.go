package benchmark

import (
	"bufio"
	"compress/bzip2"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	figures  = flag.Bool("figures", false, "measure and print the table of docs/benchmarks.md (minutes, and nothing else should run)")
	data     = flag.String("synthea", "../../../shared/data/synthea", "folder with the Synthea transaction Bundles")
	database = flag.String("database", "", "connection string of the database to measure MongoDB on; what it holds is kept, and only an empty one is loaded (default: a new one); TestSearchFigures adds -1 and -5 to the name")
	rounds   = flag.Int("rounds", 5, "rounds of what is measured in turns")
	round    = flag.Duration("round", 3*time.Second, "length of a round")
)

// TestFigures measures the server on each store.
func TestFigures(t *testing.T) {
	skipUnlessMeasured(t)
	columns := []string{"figure", "measured", "floor", "ratio"}
	t.Run("sqlite", func(t *testing.T) { embedded(begin(t, columns...)) })
	t.Run("mongodb", func(t *testing.T) { onMongoDB(begin(t, columns...)) })
}

func skipUnlessMeasured(t *testing.T) {
	if !*figures {
		t.Skip("a benchmark: run it with -figures, or make bench")
	}
	if _, err := os.Stat(*data); err != nil {
		t.Skipf("no Synthea data: %v", err)
	}
}

// begin prints a table of what is measured in the end.
func begin(t *testing.T, columns ...string) *bench {
	b := &bench{T: t, dir: t.TempDir()}
	b.row(columns...)
	b.table = append(b.table, "|---"+strings.Repeat("|--:", len(columns)-1)+"|\n")
	t.Cleanup(func() { fmt.Print("\n", strings.Join(b.table, ""), "\n") })
	return b
}

func embedded(b *bench) {
	small, server := b.load(1)
	b.read(small, server)
	b.search("92,000", server)
	server.stop()
	b.restart(small)
	_, server = b.load(5)
	b.search("460,000", server)
	server.stop()
}

// bench is one run.
type bench struct {
	*testing.T
	dir, binary, bundles string
	table                []string
}

func (b *bench) row(cells ...string) {
	row := "| " + strings.Join(cells, " | ") + " |"
	b.table = append(b.table, row+"\n")
	b.Log(row)
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) build() {
	b.binary = filepath.Join(b.dir, "fhirside")
	out, err := exec.Command("go", "build", "-o", b.binary, "fhirside/cmd/fhirside").CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
}

// unpack decompresses the Bundles, so that loading them is not measured by how fast the loader unpacks bzip2.
func (b *bench) unpack() {
	b.bundles = filepath.Join(b.dir, "bundles")
	b.must(os.Mkdir(b.bundles, 0o700))
	names, err := filepath.Glob(filepath.Join(*data, "*.json.bz2"))
	b.must(err)
	for _, name := range names {
		packed, err := os.Open(name)
		b.must(err)
		text, err := io.ReadAll(bzip2.NewReader(packed))
		b.must(err)
		packed.Close()
		b.must(os.WriteFile(filepath.Join(b.bundles, strings.TrimSuffix(filepath.Base(name), ".bz2")), text, 0o600))
	}
}

// process is a server or a floor.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	said   string // its first line
	base   string
}

// floor starts this test binary as one of the floors and waits for its line.
func (b *bench) floor(name string, args ...string) *process {
	self, err := os.Executable()
	b.must(err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), floorVariable+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	b.must(err)
	stdout, err := cmd.StdoutPipe()
	b.must(err)
	b.must(cmd.Start())
	p := &process{cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
	b.Cleanup(p.stop)
	p.said = b.line(p)
	p.base = "http://" + p.said + "/fhir"
	return p
}

// line is the next one that a floor writes.
func (b *bench) line(p *process) string {
	line, err := p.stdout.ReadString('\n')
	b.must(err)
	return strings.TrimSpace(line)
}

// stop ends it, unless it has ended.
func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	if p.stdin != nil {
		p.stdin.Close()
	} else {
		p.cmd.Process.Signal(os.Interrupt)
	}
	p.cmd.Wait()
}

// peak is the most memory that the process had, in MB.
func (b *bench) peak(p *process) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	b.must(err)
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(kb), " kB"))
			b.must(err)
			return n / 1024
		}
	}
	b.Fatal("no VmHWM")
	return 0
}

// patience is how long a server may take to get ready: on a kept database it may have to compute index values anew.
const patience = 5 * time.Minute

// serve starts the server on a store and waits until it is ready; took is how long that was.
func (b *bench) serve(store string) (p *process, took time.Duration) {
	if b.binary == "" {
		b.build()
	}
	address := b.freeAddress()
	cmd := exec.Command(b.binary, "serve", "--listen", address, "--store", store, "--auth", "none")
	begun := time.Now()
	b.must(cmd.Start())
	p = &process{cmd: cmd, base: "http://" + address + "/fhir"}
	b.Cleanup(p.stop)
	for {
		if r, err := http.Get("http://" + address + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return p, time.Since(begun)
			}
		}
		if time.Since(begun) > patience {
			b.Fatal("the server does not get ready")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// send loads as many copies of the Synthea set as asked for over HTTP.
func (b *bench) send(server *process, copies int) time.Duration {
	if b.bundles == "" {
		b.unpack()
	}
	begun := time.Now()
	cmd := exec.Command(b.binary, "load", "--server", server.base, "--workers", "4", "--copies", strconv.Itoa(copies), b.bundles)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("load: %v\n%s", err, out)
	}
	return time.Since(begun)
}

// load loads the Synthea set into a new file, as many copies of it as asked for, and compares one copy with the floor.
func (b *bench) load(copies int) (file string, server *process) {
	file = filepath.Join(b.dir, fmt.Sprintf("synthea-%d.db", copies))
	server, _ = b.serve("sqlite:" + file)
	took := b.send(server, copies)
	memory := b.peak(server)
	n := b.count(server)
	rate := float64(n) / took.Seconds()
	if copies > 1 {
		b.row(fmt.Sprintf("Synthea loaded %d times over HTTP, %d resources", copies, n), fmt.Sprintf("%.0f/s", rate), "", "")
		return file, server
	}
	batches := filepath.Join(b.dir, "batches")
	b.must(os.Mkdir(batches, 0o700))
	b.must(dealRows(file, batches))
	floor := b.floor("insert", batches, filepath.Join(b.dir, "floor.db"))
	seconds, err := strconv.ParseFloat(floor.said, 64)
	b.must(err)
	bare := float64(n) / seconds
	least := b.peak(floor)
	floor.stop()
	b.row(fmt.Sprintf("Synthea loaded over HTTP, %d resources", n), fmt.Sprintf("%.0f/s", rate), fmt.Sprintf("%.0f/s", bare), fmt.Sprintf("%.2f", rate/bare))
	b.row("peak memory while loading", fmt.Sprintf("%d MB", memory), fmt.Sprintf("%d MB", least), fmt.Sprintf("%+d MB", memory-least))
	return file, server
}

// count is the number of resources that the server has.
func (b *bench) count(p *process) int {
	var page struct{ Total int }
	b.must(json.Unmarshal(b.get(p.base+"?_summary=count"), &page))
	return page.Total
}

func (b *bench) get(url string) []byte {
	r, err := http.Get(url)
	b.must(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	b.must(err)
	if r.StatusCode != http.StatusOK {
		b.Fatalf("%s: %d %s", url, r.StatusCode, body)
	}
	return body
}

// sample are "Type/id" of Observations and Patients.
func (b *bench) sample(p *process, query string) []string {
	var page struct {
		Entry []struct {
			Resource struct{ ResourceType, ID string }
		}
	}
	b.must(json.Unmarshal(b.get(p.base+"/"+query), &page))
	var list []string
	for _, e := range page.Entry {
		list = append(list, e.Resource.ResourceType+"/"+e.Resource.ID)
	}
	return list
}

// read compares reads by id with the two floors, in turns.
func (b *bench) read(file string, server *process) {
	ids := append(b.sample(server, "Observation?_count=1000"), b.sample(server, "Condition?_count=1000")...)
	fixed, bare := b.floor("fixed"), b.floor("bare", file)
	defer fixed.stop()
	defer bare.stop()
	bases := []string{server.base, bare.base, fixed.base}
	rates := make([][]float64, len(bases))
	for range *rounds {
		for i, base := range bases {
			rates[i] = append(rates[i], b.hammer(base, ids, 32, *round))
		}
	}
	served, floor, most := median(rates[0]), median(rates[1]), median(rates[2])
	b.row("read by id, 32 connections, against a bare handler on the same file", fmt.Sprintf("%.0f/s", served), fmt.Sprintf("%.0f/s", floor), fmt.Sprintf("%.2f", served/floor))
	b.row("read by id, against a fixed body of 2 KB", fmt.Sprintf("%.0f/s", served), fmt.Sprintf("%.0f/s", most), fmt.Sprintf("%.2f", served/most))
}

// inTurns is how many times a second as many goroutines do what each of them begins, until one fails.
func inTurns(goroutines int, d time.Duration, begin func() (again func() error, err error)) (float64, error) {
	var done atomic.Int64
	var all errgroup.Group
	begun := time.Now()
	for range goroutines {
		all.Go(func() error {
			again, err := begin()
			for err == nil && time.Since(begun) < d {
				err = again()
				done.Add(1)
			}
			return err
		})
	}
	err := all.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds(), err
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// search is the newest Observations of a patient and a code, one at a time.
func (b *bench) search(size string, server *process) {
	codes := []string{"8302-2", "29463-7", "8867-4", "2339-0", "6690-2"}
	var queries []string
	for _, p := range b.sample(server, "Patient?_count=200") {
		queries = append(queries, "Observation?patient="+p+"&code="+url.QueryEscape("http://loinc.org|"+codes[rand.IntN(len(codes))])+"&_sort=-date")
	}
	took := b.ask(server, queries, "")
	b.row("newest Observations of a patient and code among "+size+" resources, p50 over HTTP", fmt.Sprintf("%.2f ms", took), "", "")
}

// restart is the time from start to ready on a file that holds the set.
func (b *bench) restart(file string) {
	var took []float64
	for range *rounds {
		server, t := b.serve("sqlite:" + file)
		took = append(took, float64(t.Milliseconds()))
		server.stop()
	}
	b.row("start to ready on 92,000 resources", fmt.Sprintf("%.0f ms", median(took)), "", "")
}

// freeAddress is one that nobody listens on.
func (b *bench) freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	b.must(err)
	defer l.Close()
	return l.Addr().String()
}
