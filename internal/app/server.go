package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"overdue/client"
	"overdue/internal/api"
	"overdue/internal/auth"
	"overdue/internal/deliver"
	"overdue/internal/httpd"
	"overdue/internal/ingest"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/pingurl"
	"overdue/internal/process"
	"overdue/internal/store"
)

// Timeouts of a stop: for requests in progress, and for everything after them.
const (
	requestStopTimeout = 20 * time.Second
	engineStopTimeout  = 40 * time.Second
)

// server is a server and its connections to the process in which it runs.
type server struct {
	Options
	log       *slog.Logger
	restarter *process.Restarter
	reporter  *process.Reporter
}

// run runs a server until ctx ends. Then it stops gracefully: every accepted request is
// answered. The report describes the stop.
func (s *server) run(ctx context.Context) (report httpd.StopReport, err error) {
	stopProfiles, err := s.serveProfiles(s.log)
	if err != nil {
		return report, err
	}
	defer stopProfiles()
	memory := limitMemory(s.log)
	onWait := func(file, holder string) {
		s.log.Warn("database lock held", "component", "store", "file", file, "holder", holder)
	}
	onDamage := func(d store.WALDamage) {
		s.log.Error("write-ahead log damaged", "component", "store", "file", d.File, "offset", d.Offset, "bytes", d.Bytes, "records", d.Records)
	}
	db, err := store.OpenToServe(ctx, s.Database, store.ServeOptions{Memory: int64(memory), OnLockWait: onWait, OnDamagedWAL: onDamage})
	if err != nil {
		return report, err
	}
	defer closeDatabase(db, s.log)
	db.SetRetention(s.Retention)
	if err := s.SecretKey.unlock(ctx, db, s.Database, s.log); err != nil {
		return report, err
	}
	first, err := ensureProject(ctx, db)
	if err != nil {
		return report, err
	}
	// Until here, a proxy sees a closed port and asks another server.
	listener, err := process.Listen(s.Listen)
	if err != nil {
		return report, err
	}
	defer listener.Close() // the error does not matter: the server closed it, or did not start
	outside, err := s.newSender(s.log)
	if err != nil {
		return report, err
	}
	defer outside.Close()
	base := s.baseURL(listener.Addr())
	setNodeInfo(db, s.Version)
	engine := NewEngine(db, outside.Send, base, s.log)
	engine.resender.Send = outside.Resend
	engine.watcher.Version = s.Version
	engine.dispatcher.MaxConcurrent = memory.maxDeliveries()
	faces, err := newHandlers(ctx, s.Options, engine, outside, base)
	if err != nil {
		return report, err
	}
	setup, err := faces.ensureOwner(ctx, s.Options, base)
	if err != nil {
		return report, fmt.Errorf("owner: %w", err)
	}
	closePinger, err := s.enableCanary(engine, faces.service)
	if err != nil {
		return report, err
	}
	defer closePinger()
	if err := engine.Start(ctx); err != nil {
		return report, err
	}
	handler := routes(s.Options, engine, faces, base, ingest.NewBodyBudget(memory.bodyBudget()))
	s.printWelcome(base, first, setup)
	s.log.Info("serving", "address", listener.Addr().String(), "base", base, "database", store.DescribeAddress(s.Database), "version", s.Version)
	return s.accept(ctx, listener, handler, engine, faces)
}

// accept serves the listener until ctx ends, and stops the engine.
func (s *server) accept(ctx context.Context, l *process.Listener, h http.Handler, e *Engine, f handlers) (report httpd.StopReport, err error) {
	if err := s.restarter.SetSocket(l, s.Listen); err != nil {
		s.log.Warn("restart in place disabled", "component", "restart", "error", err)
	}
	s.announceReady(l, e)
	accepting, stopAccepting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAccepting()
	defer context.AfterFunc(ctx, func() {
		s.announceStop()
		e.finishSends(ctx)
		// Live pages never end by themselves: they are closed first, and reconnect to the
		// next server.
		f.site.Feed.Close()
		stopAccepting()
	})()
	err = httpd.Serve(accepting, l, httpd.Options{
		Handler: h, Log: s.log, Rejections: e.rejections, Limits: s.connectionLimits(), StopTimeout: requestStopTimeout,
		Inherited: l.Held, Restarting: s.restarter.Requested, Report: &report,
	})
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStopTimeout)
	defer cancel()
	return report, errors.Join(err, e.Stop(rest))
}

// closeDatabase closes the database.
func closeDatabase(db io.Closer, log *slog.Logger) {
	if err := db.Close(); err != nil {
		log.Error("database close failed", "component", "store", "error", err)
	}
}

// connectionLimits returns the limits of connections.
func (o Options) connectionLimits() httpd.Limits {
	return httpd.NewLimits(o.MaxConnectionsPerAddress, o.MaxConnections, o.TrustedProxies)
}

// newSender returns the sender of notifications and mails.
func (o Options) newSender(log *slog.Logger) (*notify.Sender, error) {
	return notify.NewSender(notify.Options{
		AllowPrivate: o.AllowPrivateNetworks, AllowNetworks: o.AllowNetworks, ExecDir: o.ExecDir,
		SMTPURL: o.SMTPURL, SMTPFrom: o.SMTPFrom, SMTPBounceTo: o.SMTPBounceTo, SMTPHelo: o.SMTPHelo, SMTPCA: o.SMTPCA,
		PublicURL: o.PublicURL, UserAgent: o.userAgent(), Log: log,
	})
}

// userAgent returns the user agent of outgoing requests.
func (o Options) userAgent() string { return "Overdue/" + o.Version }

// enableCanary adds the canary and the watchdog to an engine, unless they are turned
// off. It returns a function that closes idle connections.
func (o Options) enableCanary(e *Engine, svc *manage.Service) (closeIdle func(), err error) {
	if o.CanaryInterval == 0 {
		return func() {}, nil
	}
	pinger, err := notify.NewPinger(notify.Options{UserAgent: o.userAgent(), Log: e.log})
	if err != nil {
		return nil, err
	}
	e.EnableCanary(CanaryOptions{Interval: o.CanaryInterval, WatchdogURL: o.WatchdogURL, Service: svc, Ping: pinger.Ping})
	return pinger.Close, nil
}

// route is a route pattern and its handler.
type route struct {
	pattern string
	handler http.Handler
}

// statusRoutes returns the routes for health checks and metrics.
func statusRoutes(o Options, e *Engine) []route {
	return []route{
		{"GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "alive") })},
		{"GET /readyz", http.HandlerFunc(e.serveReady)},
		{"GET /metrics", requireToken(o.MetricsToken, e.metrics.Handler())},
	}
}

// routes returns the handler of the server.
func routes(o Options, e *Engine, f handlers, base string, bodies *ingest.BodyBudget) http.Handler {
	pings := &ingest.Handler{
		Batcher: e.batcher, InFlight: e.inFlight, BodyBudget: bodies, Metrics: e.metrics, Allow: ingest.NewLimit(o.PingRateLimit).Allow,
		Source: o.clientAddress, DataAge: httpd.DataAge,
		OnPanic: func(caught any, r *http.Request) { httpd.LogPanic(caught, r, e.log, e.rejections) },
	}
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", api.New(api.Options{Service: f.service, Keys: auth.NewKeys(e.db), ClientAddress: o.clientAddress, BaseURL: base, Version: o.Version, Log: e.log}))
	for _, status := range statusRoutes(o, e) {
		mux.Handle(status.pattern, status.handler)
	}
	mux.Handle("/", f.site)
	rest := httpd.Handler(mux, e.log, e.rejections, o.TrustedProxies)
	if len(o.TrustedProxies) == 0 && strings.HasPrefix(base, "https://") {
		rest = httpd.WarnUntrustedProxy(rest, e.log)
	}
	return routePingsFirst(pings, rest)
}

// routePingsFirst serves pings without the middleware for other requests, and
// before the mux, which would redirect some spellings of a path.
func routePingsFirst(pings, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cleaned, isPing := pingurl.Clean(r.URL.Path); isPing {
			r.URL.Path = cleaned
			pings.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// writeText writes a response of one line.
func writeText(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n") // the client may have disconnected
}

// sendTest sends a test alert for a user and returns the result.
func (e *Engine) sendTest(ctx context.Context, p monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values) {
	receipt, err := e.dispatcher.SendTest(ctx, c, p, uuid.NewString())
	results := deliver.Results(receipt, err)
	missed := func(r monitor.DeliveryResult) bool { return !r.Delivered }
	result := client.TestResult{Delivered: !slices.ContainsFunc(results, missed), Detail: receipt.Detail}
	status := receipt.Status
	if failure, failed := deliver.SendErrorOf(err); failed {
		status, result.Detail = failure.Status, failure.Reason
	}
	if status != 0 {
		result.Status = &status
	}
	return result, results, receipt.Settings
}
