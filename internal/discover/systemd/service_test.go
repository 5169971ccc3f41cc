package systemd

import (
	"strings"
	"testing"
)

// The rows are the measured behaviour of systemd 252: whether a ping from ExecStopPost= arrived,
// from curl and from overdue.
func TestPingProblem_RejectsAServiceThatCannotPing(t *testing.T) {
	for settings, effect := range map[string]string{
		"":                                 "",
		"PrivateNetwork=yes":               "has no network (PrivateNetwork=)",
		"PrivateNetwork=no":                "",
		"NetworkNamespacePath=/run/ns":     "(NetworkNamespacePath=)",
		"IPAddressDeny=any":                "(IPAddressDeny=)",
		"IPEgressFilterPath=/x":            "(IPEgressFilterPath=)",
		"RestrictNetworkInterfaces=lo":     "(RestrictNetworkInterfaces=)",
		"RestrictAddressFamilies=AF_UNIX":  "cannot use the network (RestrictAddressFamilies=)",
		"RestrictAddressFamilies=none":     "cannot use the network (RestrictAddressFamilies=)",
		"RestrictAddressFamilies=AF_INET6": "cannot use the network (RestrictAddressFamilies=)",
		"RestrictAddressFamilies=AF_UNIX\nRestrictAddressFamilies=AF_INET":           "",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX":                           "",
		"RestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=~AF_INET":          "cannot use the network",
		"RestrictAddressFamilies=~AF_INET AF_INET6":                                  "cannot use the network",
		"RestrictAddressFamilies=~AF_PACKET AF_NETLINK":                              "",
		"RestrictAddressFamilies=~AF_INET\nRestrictAddressFamilies=AF_INET":          "",
		"SystemCallFilter=~@network-io":                                              "cannot make the system calls that a ping needs (SystemCallFilter=)",
		"SystemCallFilter=~socket:EPERM":                                             "SystemCallFilter=",
		"SystemCallFilter=~@process":                                                 "SystemCallFilter=",
		"SystemCallFilter=~@mount @clock @privileged":                                "",
		"SystemCallFilter=@system-service":                                           "",
		"SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources": "",
		"SystemCallFilter=@system-service\nSystemCallFilter=~@network-io":            "SystemCallFilter=",
		"SystemCallFilter=@basic-io @file-system @process":                           "SystemCallFilter=",
		"SystemCallFilter=":                       "",
		"RootDirectory=/srv/root":                 "(RootDirectory=)",
		"RootImage=/srv/root.img":                 "(RootImage=)",
		"NoExecPaths=/":                           "cannot run /bin/sh (NoExecPaths=)",
		"NoExecPaths=/\nExecPaths=/bin /usr /lib": "",
		"NoExecPaths=/home /tmp":                  "",
		"InaccessiblePaths=/bin":                  "cannot see /bin/sh (InaccessiblePaths=)",
		"InaccessiblePaths=/usr/bin/sh":           "cannot see /bin/sh (InaccessiblePaths=)",
		"InaccessiblePaths=/srv":                  "",
		"TemporaryFileSystem=/:ro":                "cannot see /bin/sh (TemporaryFileSystem=)",
		"TemporaryFileSystem=/var":                "",
		"ProtectHome=yes":                         "",
		"LimitNOFILE=3":                           "(LimitNOFILE=)",
		"LimitNOFILE=1024:4096":                   "",
		"LimitNOFILE=infinity":                    "",
		"LimitNPROC=0":                            "(LimitNPROC=)",
		"LimitCPU=0":                              "(LimitCPU=)",
		"LimitCPU=3600":                           "",
		"DynamicUser=yes\nProtectSystem=strict\nPrivateTmp=yes\nPrivateDevices=yes\nNoNewPrivileges=yes\nMemoryDenyWriteExecute=yes\nRestrictNamespaces=yes\nSystemCallArchitectures=native\nCapabilityBoundingSet=\nPrivateUsers=yes\nProtectProc=invisible": "",
		"TimeoutStopSec=2":           "which is too short for a ping",
		"TimeoutStopSec=infinity":    "",
		"RemainAfterExit=yes":        "never ends (RemainAfterExit=)",
		"Restart=always":             "starts again after every success (Restart=always)",
		"Restart=on-success":         "starts again after every success (Restart=on-success)",
		"Restart=on-failure":         "",
		"Type=forking":               "systemd cannot always tell how it ended",
		"Type=forking\nPIDFile=/x":   "",
		"Type=notify\nWatchdogSec=1": "",
	} {
		got := NewUnit("x.service", false, "[Service]\nExecStart=/x\n"+settings+"\n").PingProblem()
		if (got == "") != (effect == "") || !strings.Contains(got, effect) || got != "" && !strings.HasPrefix(got, "x.service ") {
			t.Errorf("%q: %q; want %q", settings, got, effect)
		}
	}
}

func TestRunNotes_NameTheRunsThatSendNothing(t *testing.T) {
	for settings, want := range map[string]string{
		"":                                   "",
		"ExecCondition=/bin/false":           "a run that ExecCondition= skips is only logged and counts as missed",
		"[Unit]\nConditionPathExists=/x":     "a run that ConditionPathExists= skips sends nothing and counts as missed",
		"[Unit]\nAssertUser=x\nConditionAC=": "a run that AssertUser= skips sends nothing and counts as missed",
		"Restart=on-failure":                 "systemd restarts it after a failure, so failed attempts are only logged; a run without a success counts as missed",
		"Restart=no":                         "",
		"RestartForceExitStatus=75":          "systemd restarts it after a failure, so failed attempts are only logged; a run without a success counts as missed",
		"ExecStart=@-/bin/false":             `ExecStart= starts with "-", so systemd and Overdue treat every exit code as a success`,
		"ExecStopPost=/bin/cleanup":          "if its own ExecStopPost= fails, no ping is sent and the run counts as missed",
		"ExecStopPost=-/bin/cleanup":         "",
		"LimitAS=1G":                         "LimitAS= can be too little memory for overdue: use --with curl",
		"AppArmorProfile=x":                  "its security profile must allow /bin/sh and the program that pings to run",
	} {
		got := strings.Join(NewUnit("x.service", false, "[Service]\nExecStart=/x --a-b\n"+settings+"\n").RunNotes(), "; ")
		if want != "" {
			want = "x.service: " + want
		}
		if got != want {
			t.Errorf("%q: %q; want %q", settings, got, want)
		}
	}
}
