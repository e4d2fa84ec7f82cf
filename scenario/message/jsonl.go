package message

// readJSONL reads an object from each line; blank ones are left out.
func (f *Feed) readJSONL(src *source, p *problems) {
	for at := range src.lines {
		n, fault := parseJSON(src, at.from, at.to)
		switch {
		case fault != nil:
			p.add(fault)
		case n.shape != anObject:
			p.add(n.mark.errorf("", "each line must be an object (got %s)", got(n)))
		default:
			if what := f.full(0); what != "" {
				p.add(src.lineFault(at.line, "%s", what))
				return
			}
			f.object(src, n, nil, p)
			f.endRow(at.line)
		}
		if p.full {
			return
		}
	}
}

// object makes cells of an object's members, and of those of the objects in it.
func (f *Feed) object(src *source, n *node, path []string, p *problems) {
	seen := map[string]bool{}
	for _, m := range n.members {
		switch what := f.full(1); {
		case what != "":
			p.add(m.mark.errorf("", "%s", what))
			p.full = true
			return
		case seen[m.name]:
			p.add(m.mark.errorf("", "the key %s is there twice", quoted(m.name)))
			continue
		}
		seen[m.name] = true
		below := append(path, m.name)
		v := m.value
		c := cell{column: f.column(pathKey(below)), shape: v.shape, text: v.text}
		if v.shape == anObject || v.shape == anArray {
			c.text = src.text[v.mark.at:v.end]
		}
		f.cells = append(f.cells, c)
		if v.shape == anObject {
			f.object(src, v, below, p)
		}
	}
}
