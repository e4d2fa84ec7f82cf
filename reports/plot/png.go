package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"strconv"
	"strings"
)

// pixels is how many of a PNG there are to a pixel of the SVG: on paper and on
// fine screens it is to be sharp.
const pixels = 2

// PNG writes the plot as Standalone does, as a picture of 1,800 pixels' width in
// the light colours. It is drawn from the SVG file, so that both show the same.
// Letters are those of the Go fonts: what these have not is a box.
func PNG(w io.Writer, p Plot, title string, notes ...string) error {
	var file bytes.Buffer
	if err := Standalone(&file, p, title, notes...); err != nil {
		return err
	}
	picture, err := rasterize(file.Bytes())
	if err != nil {
		return fmt.Errorf("drawing the plot: %w", err)
	}
	// Half of the time goes into compression: the last few per cent of size are not
	// worth it.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(w, picture); err != nil {
		return fmt.Errorf("writing the plot: %w", err)
	}
	return nil
}

// element is one of an SVG file.
type element struct {
	tag      string
	attrs    map[string]string
	classes  map[string]bool
	children []*element
	text     string
}

// parseSVG reads a file.
func parseSVG(file []byte) (root *element, style string, err error) {
	decoder := xml.NewDecoder(bytes.NewReader(file))
	var path []*element
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, style, nil
		} else if err != nil {
			return nil, "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{tag: t.Name.Local, attrs: map[string]string{}, classes: map[string]bool{}}
			for _, a := range t.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			for class := range strings.FieldsSeq(e.attrs["class"]) {
				e.classes[class] = true
			}
			if root == nil {
				root = e
			} else {
				parent := path[len(path)-1]
				parent.children = append(parent.children, e)
			}
			path = append(path, e)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			switch e := path; {
			case len(e) == 0:
			case e[len(e)-1].tag == "style":
				style += string(t)
			default:
				e[len(e)-1].text += string(t)
			}
		}
	}
}

// rasterize draws what Standalone writes. It knows of SVG what this package
// uses, and fails on all else.
func rasterize(file []byte) (image.Image, error) {
	root, style, err := parseSVG(file)
	if err != nil {
		return nil, err
	}
	width, err := strconv.Atoi(root.attrs["width"])
	if err != nil {
		return nil, err
	}
	height, err := strconv.Atoi(root.attrs["height"])
	if err != nil {
		return nil, err
	}
	fonts, err := newFonts()
	if err != nil {
		return nil, err
	}
	// :root's light colours come first, then for dark screens and paper, then
	// the rules.
	theme, rest, _ := strings.Cut(style, "@media")
	_, print, _ := strings.Cut(rest, "@media print{")
	_, rules, _ := strings.Cut(print, "}}")
	b := &brush{
		sheet: parseSheet(theme + rules), fonts: fonts, to: image.NewRGBA(image.Rect(0, 0, width*pixels, height*pixels)),
	}
	draw.Draw(b.to, b.to.Bounds(), image.White, image.Point{}, draw.Src)
	v := viewport{width: float64(width), height: float64(height), scaleX: pixels, scaleY: pixels, clip: b.to.Bounds()}
	for _, child := range root.children {
		if err := b.draw([]*element{root, child}, v, initial()); err != nil {
			return nil, err
		}
	}
	return b.to, nil
}
