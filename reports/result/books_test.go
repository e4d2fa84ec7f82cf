package result

import "testing"

func TestSeriesCheck(t *testing.T) {
	good := func() Series {
		return Series{Planned: 100, Dropped: 10, Calls: 90, Unfinished: 3, Codes: map[string]int64{"OK": 80, "UNAVAILABLE": 7}}
	}
	s := good()
	if err := s.Check(); err != nil {
		t.Errorf("books that hold: %v", err)
	}
	if s.OK() != 80 || s.Failed() != 20 {
		t.Errorf("OK %d, failed %d", s.OK(), s.Failed())
	}
	for want, change := range map[string]func(*Series){
		"planned 101 ≠ calls 90 + dropped 10":                                     func(s *Series) { s.Planned++ },
		"planned 100 ≠ calls 90 + dropped 9":                                      func(s *Series) { s.Dropped-- },
		"calls 90 ≠ codes 87 + unfinished 4":                                      func(s *Series) { s.Unfinished++ },
		"calls 90 ≠ codes 88 + unfinished 3":                                      func(s *Series) { s.Codes["ABORTED"]++ },
		"planned 100 ≠ calls 91 + dropped 10\ncalls 91 ≠ codes 87 + unfinished 3": func(s *Series) { s.Calls++ },
	} {
		s := good()
		change(&s)
		if err := s.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestValidityAdd(t *testing.T) {
	var v Validity
	for _, step := range []struct{ add, want Verdict }{
		{Valid, Valid}, {Suspect, Suspect}, {Valid, Suspect}, {Invalid, Invalid}, {Suspect, Invalid},
	} {
		v.Add(Reason{Code: "c", Verdict: step.add})
		if v.Verdict != step.want {
			t.Errorf("after %s: %s, want %s", step.add, v.Verdict, step.want)
		}
	}
	if len(v.Reasons) != 5 {
		t.Errorf("%d reasons", len(v.Reasons))
	}
}

func TestWorst(t *testing.T) {
	for _, c := range [][3]Verdict{
		{"", "", ""}, {"", Valid, Valid}, {Suspect, "", Suspect}, {"of a later version", Valid, Invalid}, {Suspect, "?", Invalid},
	} {
		if got := Worst(c[0], c[1]); got != c[2] {
			t.Errorf("Worst(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
