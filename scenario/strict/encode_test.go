package strict

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
)

func (p samplePolicy) Word() string {
	if p.Off {
		return "none"
	}
	return ""
}

func (m sampleMode) Word() string { return string(m) }

// What is encoded reads back the same, over the defaults that it was encoded over.
func TestEncodeReadsBack(t *testing.T) {
	zero, chance, second := 0, 0.07, time.Second
	for name, change := range map[string]func(*sample){
		"nothing": func(*sample) {},
		"zeros in place of defaults": func(s *sample) {
			s.Timeout, s.Block.Trials, s.Queue = 0, 0, &zero
			s.Retry.Attempts, s.Retry.Base = 0, 0
		},
		"text that looks like something else": func(s *sample) { s.Name = "off: 010 # \"no\"\n- é" },
		"every scalar": func(s *sample) {
			s.Seed, s.Small, s.Ready, s.Factor, s.Size, s.Share, s.Chance = 1<<63, -7, true, 1.0/3, 3<<20, 1.0/3, &chance
			s.Timeout = 90*time.Minute + 1
		},
		"choices": func(s *sample) {
			s.Time.Lognormal = &sampleLognormal{P50: time.Millisecond, P99: 10 * time.Millisecond}
			s.Balance = sampleBalance{PickFirst: &samplePickFirst{Shuffle: true}}
			s.Retry.Jitter = sampleJitter{None: &struct{}{}}
			s.Retry.Codes = []codes.Code{codes.Canceled, codes.DeadlineExceeded}
		},
		"a choice whose kind has zeros": func(s *sample) { s.Time.Lognormal = &sampleLognormal{} },
		"a value kind":                  func(s *sample) { s.Time.Fixed = &sampleFixed{D: 2 * time.Millisecond} },
		"a value kind that is zero":     func(s *sample) { s.Time.Fixed = &sampleFixed{} },
		"a map as a value kind": func(s *sample) {
			s.Time.Quantiles = &sampleQuantiles{Points: map[string]time.Duration{"p50": 1, "p99.9": time.Hour}}
		},
		"a word":    func(s *sample) { s.Retry.Off = true },
		"a pointer": func(s *sample) { s.Keep = &sampleKeepalive{} },
		"maps and lists": func(s *sample) {
			s.Methods = map[string]perCall{"GetUser": {Timeout: &second}, "ListUsers": {Retry: &samplePolicy{Off: true}}, "None": {}}
			s.Baseline = map[string]string{"backoff": "none", "size": "4"}
			s.Load = []sampleLoad{{Name: "reads", Rate: 900.5}, {}}
			s.Block.Ports = []int{1, 2, 3}
		},
		"another word": func(s *sample) { s.Mode = "inprocess" },
	} {
		t.Run(name, func(t *testing.T) {
			in := sampleDefaults()
			change(in)
			text := Print(Encode(in, sampleDefaults()))
			doc, err := Parse("encoded.yaml", []byte(text))
			if doc == nil {
				t.Fatalf("%v\n%s", err, text)
			}
			out := sampleDefaults()
			if err := Decode(doc, nil, (*unchecked)(out)); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !reflect.DeepEqual(in, out) {
				t.Errorf("%s\ngives %+v\nnot   %+v", text, out, in)
			}
		})
	}
}

// unchecked is a sample without a Validate.
type unchecked sample

// Something that no text can say is a mistake of the program.
func TestEncodeRefusesWhatHasNoText(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a missing pointer in place of a default was encoded")
		}
	}()
	with := sampleDefaults()
	with.Keep = &sampleKeepalive{}
	Encode(sampleDefaults(), with)
}
