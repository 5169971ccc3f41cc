// Command matrix sends alerts to a real Matrix server, and prints what the room contains.
//
//	go run ./e2e/channels/matrix                 builds Dendrite first, which takes a few minutes
//	go run ./e2e/channels/matrix -bin DIR        keeps its programs in DIR, and builds them only if they are missing
//
// It needs Go and a C compiler. Dendrite listens on the loopback interface, with federation disabled and its data in a
// temporary directory. Not part of the tests: it downloads modules.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

func main() {
	log.SetFlags(0)
	bin := flag.String("bin", "", "directory of the programs of Dendrite; default: a temporary one")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	if err := run(ctx, *bin); err != nil {
		log.Fatal(err)
	}
}

// run starts the server, sends the alerts of one incident, and checks the room.
func run(ctx context.Context, bin string) error {
	dir, err := os.MkdirTemp("", "overdue-matrix-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // temporary
	if bin == "" {
		bin = dir + "/bin"
	}
	home, stop, err := startDendrite(ctx, bin, dir)
	if err != nil {
		return err
	}
	defer stop()
	if err := home.register(ctx, "overdue"); err != nil {
		return err
	}
	room, err := home.createRoom(ctx)
	if err != nil {
		return err
	}
	out, err := notify.NewSender(notify.Options{AllowPrivate: true})
	if err != nil {
		return err
	}
	defer out.Close()
	set := setting.Values{"url": home.url, "token": home.token, "room_id": room}
	if err := sendIncident(ctx, out, set); err != nil {
		return err
	}
	if err := checkRoom(ctx, home, room); err != nil {
		return err
	}
	return checkErrors(ctx, out, set)
}

// events are the alerts of an incident, in the order in which they are sent.
var events = []string{message.EventOpened, message.EventReminder, message.EventAcknowledged, message.EventResolved}

// hostile is a name with a mention and HTML.
const hostile = "nightly <b>&\"*_`[x](y)~ @room @overdue:localhost 🚨"

// sendIncident sends each alert twice, as after an attempt with an unknown result.
func sendIncident(ctx context.Context, out *notify.Sender, set setting.Values) error {
	thread := ""
	for _, event := range events {
		n := messagetest.FailedBackup(event)
		n.AlertID, n.Thread, n.Heartbeat = "alert-"+event, thread, hostile
		first, err := out.Send(ctx, "matrix", set, n)
		if err != nil {
			return fmt.Errorf("%s: %w", event, err)
		}
		again, err := out.Send(ctx, "matrix", set, n)
		if err != nil {
			return fmt.Errorf("%s again: %w", event, err)
		}
		fmt.Printf("%-22s status %d, event %s, sent again: %s\n", event, first.Status, first.Thread, again.Thread)
		if first.Thread == "" || again.Thread != first.Thread {
			return fmt.Errorf("%s: the second request made another event", event)
		}
		if thread == "" {
			thread = first.Thread
		}
	}
	return nil
}

// checkRoom prints the messages of the room, and checks their number and relations.
func checkRoom(ctx context.Context, home *homeserver, room string) error {
	messages, err := home.messages(ctx, room)
	if err != nil {
		return err
	}
	var problems []error
	if len(messages) != len(events) {
		problems = append(problems, fmt.Errorf("the room has %d messages; want %d", len(messages), len(events)))
	}
	for i, m := range messages {
		fmt.Printf("\n--- %s, %s, reply to %q, mentions %v\n%s\n--- HTML\n%s\n", m.ID, m.Content.Type, m.Content.Relation.Reply.ID, m.Content.Mentions, m.Content.Body, m.Content.Formatted)
		if reply := m.Content.Relation.Reply.ID; i > 0 && reply != messages[0].ID {
			problems = append(problems, fmt.Errorf("message %d replies to %q; want the first", i, reply))
		}
		if strings.Contains(m.Content.Formatted, "nightly <b>") || strings.Contains(m.Content.Body, "@room") {
			problems = append(problems, fmt.Errorf("message %d has live markup or a mention", i))
		}
	}
	return errors.Join(problems...)
}

// checkErrors sends with wrong settings, and prints what people would read.
func checkErrors(ctx context.Context, out *notify.Sender, set setting.Values) error {
	for name, wrong := range map[string]setting.Values{
		"wrong token": {"token": "wrong"}, "unknown room": {"room_id": "!unknown:localhost"}, "another path": {"url": set.Text("url") + "/element"},
	} {
		changed := setting.Values{}
		for _, values := range []setting.Values{set, wrong} {
			for key, value := range values {
				changed[key] = value
			}
		}
		_, err := out.Send(ctx, "matrix", changed, messagetest.FailedBackup(message.EventTest))
		failure, failed := errors.AsType[*notify.SendError](err)
		if !failed || !failure.Permanent {
			return fmt.Errorf("%s: %w; want a permanent error", name, err)
		}
		fmt.Printf("\n%s: status %d: %s", name, failure.Status, failure.Reason)
	}
	n := messagetest.FailedBackup(message.EventOpened)
	n.AlertID, n.Description = "alert-long", strings.Repeat("<&>*_`\\ 🚨", 5000)
	n.Output = strings.Repeat("<&> 🚨\n", 5000)
	receipt, err := out.Send(ctx, "matrix", set, n)
	fmt.Printf("\nlongest alert: status %d, %v\n", receipt.Status, err)
	return err
}
