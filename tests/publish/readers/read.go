// Reads a feed from standard input with gofeed, and says what it found as JSON.
package main

import (
	"encoding/json"
	"os"

	"github.com/mmcdole/gofeed"
)

type found struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Link    string   `json:"link"`
	Content string   `json:"content"`
	Updated string   `json:"updated"`
	Authors []string `json:"authors"`
	Images  []string `json:"images"`
}

func main() {
	feed, err := gofeed.NewParser().Parse(os.Stdin)
	if err != nil {
		panic(err)
	}
	items := []found{}
	for _, item := range feed.Items {
		one := found{ID: item.GUID, Title: item.Title, Link: item.Link, Content: item.Content, Updated: item.Updated}
		if item.Author != nil {
			one.Authors = append(one.Authors, item.Author.Name)
		}
		if item.DublinCoreExt != nil {
			one.Authors = append(one.Authors, item.DublinCoreExt.Creator...)
		}
		for _, each := range item.Enclosures {
			one.Images = append(one.Images, each.URL)
		}
		for _, each := range item.Extensions["media"]["content"] {
			one.Images = append(one.Images, each.Attrs["url"])
		}
		items = append(items, one)
	}
	json.NewEncoder(os.Stdout).Encode(items)
}
