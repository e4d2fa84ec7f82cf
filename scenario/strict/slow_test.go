package strict
import ("testing";"strings";"time")
func TestSlow(t *testing.T){
 for name,s:=range map[string]string{
  "flowlist": "a: ["+strings.Repeat("a,",500000)+"]",
  "blocklist": "a:\n"+strings.Repeat("- a\n",250000),
  "flowmaps": "a: ["+strings.Repeat("{a: 1},",140000)+"]",
  "dups": strings.Repeat("a: 1\n",200000),
  "plainml": "a: "+strings.Repeat("b\n  ",250000),
  "quoted": "a: \""+strings.Repeat("b\n  ",250000)+"\"",
  "literal": "a: |\n"+strings.Repeat("  b\n",250000),
  "folded": "a: >\n"+strings.Repeat("  b\n",250000),
  "comments": strings.Repeat("# x\n",250000)+"a: 1",
  "colons": "a: "+strings.Repeat(": ",400000),
  "spaces": "a: "+strings.Repeat(" ",1000000)+"b",
  "openquotes": strings.Repeat("'",1000000),
  "newlines": strings.Repeat("\n",1000000),
  "docs": strings.Repeat("---\n",250000),
  "anchors": "a:\n"+strings.Repeat("- &a b\n",140000),
  "aliases": "b: &a x\na:\n"+strings.Repeat("- *a\n",190000),
  "badalias": "a:\n"+strings.Repeat("- *a\n",190000),
  "brackets": strings.Repeat("[]",500000),
  "closers": "a: "+strings.Repeat("]",1000000),
 }{ st:=time.Now(); _,err:=Parse("x",[]byte(s)); n:=0; if e,ok:=err.(Errors);ok{n=len(e)}; t.Logf("%s %v errs=%d",name,time.Since(st).Round(time.Millisecond),n)}
}
