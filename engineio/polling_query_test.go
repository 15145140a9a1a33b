package engineio_test

import (
	"testing"

	"github.com/siokit/sio/engineio"
)

const someID = "abcdefghijklmnopqrst"

func TestPollQuery(t *testing.T) {
	for q, want := range map[string]bool{
		"EIO=4&transport=polling&sid=" + someID:                       true,
		"sid=" + someID + "&t=x%20y&transport=polling&EIO=4&&z&u=a+b": true,
		"EIO=4&transport=polling":                                     false,
		"EIO=4&transport=polling&sid=":                                false,
		"EIO=4&transport=polling&sid=short":                           false,
		"EIO=4&transport=polling&sid=" + someID[:17] + "%41":          false,
		"EIO=4&transport=polling&sid=" + someID[:19] + "+":            false,
		"EIO=4&transport=websocket&sid=" + someID:                     false,
		"EIO=3&transport=polling&sid=" + someID:                       false,
		"transport=polling&sid=" + someID:                             false,
		"EIO=4&transport=polling&b64=1&sid=" + someID:                 false,
		"EIO=4&transport=polling&j=0&sid=" + someID:                   false,
		"EIO=4&transport=polling&sid=" + someID + "&sid=" + someID:    false,
		"EIO=4&transport=polling&sid=" + someID + "&%73id=" + someID:  false,
		"EIO=4&transport=polling&sid=" + someID + "&x;y":              false,
		"EIO=4&transport=poll%69ng&sid=" + someID:                     false,
	} {
		if _, got := engineio.PollQuery(q); got != want {
			t.Errorf("%s: %t", q, got)
		}
	}
}

// FuzzPollQuery compares with how queries are read otherwise.
func FuzzPollQuery(f *testing.F) {
	f.Add("EIO=4&transport=polling&sid=" + someID)
	f.Add("sid=" + someID + "&t=x%20y&transport=polling&EIO=4&&z&u=a+b&%6a=1;b64")
	f.Fuzz(func(t *testing.T, q string) {
		id, ok := engineio.PollQuery(q)
		if !ok {
			return
		}
		for name, want := range map[string]string{"sid": id, "transport": "polling", "EIO": "4"} {
			if got, _ := engineio.QueryValue(q, name); got != want {
				t.Errorf("%q: %s is %q, and %q otherwise", q, name, want, got)
			}
		}
		for _, name := range []string{"j", "b64"} {
			if _, there := engineio.QueryValue(q, name); there {
				t.Errorf("%q: there is %s", q, name)
			}
		}
	})
}
