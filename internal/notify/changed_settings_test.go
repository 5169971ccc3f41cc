package notify

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"overdue/internal/notify/message"
	"overdue/internal/notify/message/messagetest"
	"overdue/internal/notify/setting"
)

func TestSend_AGroupThatBecameASupergroupGetsTheMessageAtItsNewID(t *testing.T) {
	var chats []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ChatID string `json:"chat_id"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		chats = append(chats, body.ChatID)
		answer := `{"ok":true,"result":{"message_id":9}}`
		if body.ChatID == "-5" {
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1005}}`
		}
		_, _ = w.Write([]byte(answer)) // the client checks it
	}))
	t.Cleanup(server.Close)
	set := setting.Values{"token": "1:tgSECRET", "chat_id": "-5", "base_url": server.URL}
	receipt, err := newTestSender(t, Options{}).Send(t.Context(), "telegram", set, messagetest.FailedBackup(message.EventOpened))
	if err != nil || receipt.Thread != "9" || receipt.Settings.Text("chat_id") != "-1005" {
		t.Fatalf("receipt %+v, %v; want message 9, and the new id", receipt, err)
	}
	if len(chats) != 2 || chats[1] != "-1005" || set.Text("chat_id") != "-5" {
		t.Errorf("requests to %v, settings %v; want one to each id, and unchanged settings of the caller", chats, set)
	}
}

func TestSend_AGroupThatKeepsMovingIsRepeatedOnce(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"ok":false,"error_code":400,"parameters":{"migrate_to_chat_id":-1005}}`)) // the client checks it
	}))
	t.Cleanup(server.Close)
	set := setting.Values{"token": "1:tgSECRET", "chat_id": "-5", "base_url": server.URL}
	_, err := newTestSender(t, Options{}).Send(t.Context(), "telegram", set, messagetest.FailedBackup(message.EventOpened))
	if failure := sendErrorOf(t, err); failure.Permanent || requests != 2 {
		t.Errorf("%+v after %d requests; want an error that can be tried again, after 2", failure, requests)
	}
}
