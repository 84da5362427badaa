// A service with a cache of sessions: `sessions LIVE REQUESTS`. LIVE MiB are held, the oldest goes when a new
// one comes. `done N` when every answer was right.
package main

import (
	"fmt"
	"os"
	"strconv"
)

const (
	parts = 16
	size  = 1024
)

type session struct {
	id    int
	parts [parts]*[size]byte
}

func main() {
	live, _ := strconv.Atoi(os.Args[1])
	requests, _ := strconv.Atoi(os.Args[2])
	most := live << 20 / (parts * size)
	sessions := make([]*session, most)
	right := 0
	for id := 0; id < requests; id++ {
		one := &session{id: id}
		for at := range one.parts {
			one.parts[at] = new([size]byte)
			one.parts[at][size-1] = byte(id)
		}
		old := sessions[id%most]
		if old == nil && id < most || old != nil && old.id == id-most && old.parts[7][size-1] == byte(old.id) {
			right++
		}
		sessions[id%most] = one
	}
	if right != requests {
		fmt.Printf("wrong: %d of %d\n", right, requests)
		os.Exit(1)
	}
	fmt.Printf("done %d\n", right)
}
