package load

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command is the command line of a load on any server.
type command struct {
	url, method, body, ids string
	headers                headers
	rate, seconds          float64
	connections            int
}

// headers are the header lines of a request.
type headers []string

// String returns the lines, for the usage of the flag.
func (h *headers) String() string { return strings.Join(*h, ", ") }

// Set adds a line.
func (h *headers) Set(line string) error {
	if name, _, found := strings.Cut(line, ":"); !found || name == "" || strings.ContainsAny(line, "\r\n") {
		return fmt.Errorf("%q: write Name: value", line)
	}
	*h = append(*h, line)
	return nil
}

// Command runs the load that the arguments describe, and returns the exit code: 0 if all
// responses were successful, 1 if not, 2 if the command line is invalid.
func Command(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c command
	flags := flag.NewFlagSet("bench load", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&c.url, "url", "", "address of the server; {id} is replaced by an id (required)")
	flags.StringVar(&c.method, "method", "POST", "method of the requests")
	flags.Var(&c.headers, "header", "a header line, Name: value; {id} is replaced; can be repeated")
	flags.StringVar(&c.body, "body", "", "body of the requests; {id} is replaced")
	flags.StringVar(&c.ids, "ids", "1-1", "ids: a range such as 1-1000, or a file with one per line")
	flags.Float64Var(&c.rate, "rate", 1000, "requests per second")
	flags.Float64Var(&c.seconds, "seconds", 10, "duration")
	flags.IntVar(&c.connections, "connections", 256, "maximum number of requests in flight")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	requests, open, err := c.parse()
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
		return 2
	}
	p, err := startPaced(ctx, open, requests, Plan{Rate: c.rate, Connections: c.connections, Count: int(c.rate * c.seconds), Reconnect: true})
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
		return 1
	}
	result, err := p.Wait()
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
	}
	result.print(out, c.rate)
	if err != nil || result.Rejected() > 0 || ctx.Err() != nil {
		return 1
	}
	return 0
}

// parse returns the requests, and how to connect.
func (c command) parse() (requests Requests, open dialer, err error) {
	switch {
	case c.rate <= 0 || c.rate > 1e6 || c.seconds <= 0 || c.seconds > 3600:
		return requests, nil, errors.New("-rate must be up to 1000000, and -seconds up to 3600")
	case c.connections < 1 || c.connections > 10_000:
		return requests, nil, errors.New("-connections must be from 1 to 10000")
	}
	u, err := url.Parse(strings.ReplaceAll(c.url, "{id}", idMark))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return requests, nil, fmt.Errorf("-url %q: must begin with http:// or https://", c.url)
	}
	ids, err := parseIDs(c.ids)
	if err != nil {
		return requests, nil, err
	}
	if strings.Contains(c.body, "{id}") {
		if i := slices.IndexFunc(ids, func(id string) bool { return len(id) != len(ids[0]) }); i >= 0 {
			return requests, nil, fmt.Errorf("-ids: %q and %q must have the same length, because the body contains them: write a range as 0001-1000", ids[0], ids[i])
		}
	}
	requests = c.requests(u, ids)
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "https" {
		d := &tls.Dialer{Config: &tls.Config{ServerName: u.Hostname()}}
		return requests, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", address) }, nil
	}
	return requests, toAddress(address), nil
}

// idMark stands for an id in a URL, which cannot contain braces.
const idMark = "-overdue-bench-id-"

// requests returns the requests with the given ids.
func (c command) requests(u *url.URL, ids []string) Requests {
	text := c.method + " " + strings.ReplaceAll(u.RequestURI(), idMark, "{id}") + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: bench\r\n"
	for _, line := range c.headers {
		text += line + "\r\n"
	}
	length := len(c.body)
	if n := strings.Count(c.body, "{id}"); n > 0 {
		length += n * (len(ids[0]) - len("{id}"))
	}
	text += "Content-Length: " + strconv.Itoa(length) + "\r\n\r\n" + c.body
	return Requests{
		N: len(ids), parts: strings.Split(text, "{id}"),
		id:     func(buf []byte, i int) []byte { return append(buf, ids[i]...) },
		answer: func(status int, _ []byte) bool { return status >= 200 && status < 300 },
	}
}

// parseIDs returns the ids of a range, padded to the same length, or of a file.
func parseIDs(text string) (ids []string, err error) {
	from, to, isRange := strings.Cut(text, "-")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if isRange && err1 == nil && err2 == nil {
		if first < 0 || last < first || last-first >= 10_000_000 {
			return nil, fmt.Errorf("-ids %s: must be an ascending range of at most 10,000,000", text)
		}
		for i := first; i <= last; i++ {
			ids = append(ids, fmt.Sprintf("%0*d", len(from), i))
		}
		return ids, nil
	}
	file, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("-ids: %w", err)
	}
	if ids = strings.Fields(string(file)); len(ids) == 0 {
		return nil, fmt.Errorf("-ids %s: has no ids", text)
	}
	return ids, nil
}

// print prints the results.
func (m PacedResult) print(out io.Writer, rate float64) {
	var took Latencies
	statuses := map[int]int{}
	var first, last time.Time
	for _, s := range m.Sent {
		statuses[s.Status]++
		if s.OK {
			took = append(took, int64(s.Took))
		}
		if end := s.Due.Add(s.Took); end.After(last) {
			last = end
		}
		if first.IsZero() || s.Due.Before(first) {
			first = s.Due
		}
	}
	achieved := 0.0
	if elapsed := last.Sub(first).Seconds(); elapsed > 0 {
		achieved = float64(len(took)) / elapsed
	}
	fmt.Fprintf(out, "%d requests, planned %.0f/s, successful %.0f/s\n", len(m.Sent), rate, achieved)
	fmt.Fprint(out, "latency of successful requests, from the planned time, in ms:")
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		fmt.Fprintf(out, "  p%g %.2f", 100*q, MS(took.At(q)))
	}
	fmt.Fprintln(out)
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		name := fmt.Sprint("status ", status)
		if status == 0 {
			name = "no response"
		}
		fmt.Fprintf(out, "%s: %d\n", name, statuses[status])
	}
}
