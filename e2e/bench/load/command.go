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
	rest                   []string // arguments that are no flags
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

// usage is the text before the flags.
const usage = `Usage: bench load -url URL [flags]

Sends requests to a server at a constant rate that does not depend on the responses.
{id} in the URL, the headers and the body is replaced by one of -ids, at random.

    bench load -url http://127.0.0.1:8080/api/v1/hb/{id} -ids ids.txt -rate 5000 -seconds 30

A latency counts from the planned time of its request, so it includes the time for which
the request waited for a free connection. The load ends early when requests are more than
10 s late. A response is successful if its status is from 200 to 299.
Exit code: 0 if all requests were successful, 1 if not, 2 if the command line is invalid.

Flags:
`

// maxDelay is the maximum delay of a request after its planned time.
const maxDelay = 10 * time.Second

// Command runs the load that the arguments describe, and returns the exit code: 0 if all
// planned requests were successful, 1 if not, 2 if the command line is invalid.
func Command(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c command
	flags := flag.NewFlagSet("bench load", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&c.url, "url", "", "address of the server, a `URL` that begins with http:// or https:// (required)")
	flags.StringVar(&c.method, "method", "POST", "`METHOD` of the requests")
	flags.Var(&c.headers, "header", "a header `LINE`, Name: value; can be repeated")
	flags.StringVar(&c.body, "body", "", "`TEXT` of the body of each request")
	flags.StringVar(&c.ids, "ids", "", "ids: a `RANGE` such as 1-1000 or 0001-1000, or a file with one per line")
	flags.Float64Var(&c.rate, "rate", 1000, "`N` requests per second")
	flags.Float64Var(&c.seconds, "seconds", 10, "duration, `N` seconds")
	flags.IntVar(&c.connections, "connections", 256, "at most `N` requests in flight")
	if slices.Contains(args, "-help") || slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		flags.SetOutput(out)
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	c.rest = flags.Args()
	requests, open, err := c.parse()
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
		return 2
	}
	plan := Plan{Rate: c.rate, Connections: c.connections, Count: max(1, int(c.rate*c.seconds)), Reconnect: true, MaxDelay: maxDelay}
	p, err := startPaced(ctx, open, requests, plan)
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
		return 1
	}
	result, err := p.Wait()
	if err != nil {
		fmt.Fprintln(errOut, "bench load:", err)
	}
	result.print(out, plan)
	if err != nil || result.Rejected() > 0 || len(result.Sent) < plan.Count {
		return 1
	}
	return 0
}

// parse returns the requests, and how to connect.
func (c command) parse() (requests Requests, open dialer, err error) {
	switch {
	case len(c.rest) > 0:
		return requests, nil, fmt.Errorf("%q: unexpected argument; write -name value, with quotes if the value has spaces", c.rest[0])
	case !(c.rate > 0 && c.rate <= 1e6):
		return requests, nil, fmt.Errorf("-rate %g: must be more than 0 and at most 1000000", c.rate)
	case !(c.seconds > 0 && c.seconds <= 3600):
		return requests, nil, fmt.Errorf("-seconds %g: must be more than 0 and at most 3600", c.seconds)
	case c.connections < 1 || c.connections > 10_000:
		return requests, nil, fmt.Errorf("-connections %d: must be from 1 to 10000", c.connections)
	case c.method == "" || strings.ContainsFunc(c.method, func(r rune) bool { return r < 'A' || r > 'Z' }):
		return requests, nil, fmt.Errorf("-method %q: must be a method in capital letters, such as GET", c.method)
	case c.url == "":
		return requests, nil, errors.New("-url is required")
	}
	u, err := url.Parse(strings.ReplaceAll(c.url, "{id}", idMark))
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return requests, nil, fmt.Errorf("-url %q: must begin with http:// or https:// and a host", c.url)
	case strings.Contains(u.Host, idMark):
		return requests, nil, fmt.Errorf("-url %q: the host cannot contain {id}", c.url)
	case u.User != nil:
		return requests, nil, errors.New("-url: cannot contain a password; send it with -header 'Authorization: …'")
	}
	ids, err := c.parseIDs()
	if err != nil {
		return requests, nil, err
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

// parseIDs returns the ids that the requests contain. Without {id}, all requests are the same.
func (c command) parseIDs() ([]string, error) {
	everything := c.url + c.body + strings.Join(c.headers, "")
	switch used := strings.Contains(everything, "{id}"); {
	case used && c.ids == "":
		return nil, errors.New("-ids is required, because the request contains {id}")
	case !used && c.ids != "":
		return nil, errors.New("-ids: the request does not contain {id}, so every request would be the same")
	case !used:
		return []string{""}, nil
	}
	ids, err := readIDs(c.ids)
	if err == nil && strings.Contains(c.body, "{id}") {
		if i := slices.IndexFunc(ids, func(id string) bool { return len(id) != len(ids[0]) }); i >= 0 {
			return nil, fmt.Errorf("-ids: %q and %q must have the same length, because the body contains them: write a range as 0001-1000", ids[0], ids[i])
		}
	}
	return ids, err
}

// readIDs returns the ids of a range, padded to the same length, or of a file.
func readIDs(text string) (ids []string, err error) {
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
func (m PacedResult) print(out io.Writer, plan Plan) {
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
	fmt.Fprintf(out, "%d requests, planned %.0f/s, successful %.0f/s\n", len(m.Sent), plan.Rate, achieved)
	if len(took) > 0 {
		fmt.Fprint(out, "latency of successful requests, from the planned time, in ms:")
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
			fmt.Fprintf(out, "  p%g %.2f", 100*q, MS(took.At(q)))
		}
		fmt.Fprintf(out, "  max %.2f\n", MS(took.At(1)))
	}
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		name := fmt.Sprint("status ", status)
		if status == 0 {
			name = fmt.Sprintf("no response (%v)", m.Broken)
		}
		fmt.Fprintf(out, "%s: %d\n", name, statuses[status])
	}
	if left := plan.Count - len(m.Sent); left > 0 {
		fmt.Fprintf(out, "not sent: %d\n", left)
	}
}
