// A service whose memory is told what to do: `growth NAME=VALUE…`, then lines on stdin, one per tick:
//
//	REQUESTS LEAK NATIVE HELD WARM
//
// REQUESTS are handled (garbage of `garbage` bytes each, one look into a cache of `keys` possible keys that is
// bounded by `entries` and `bytes`, one of `slots` buffers replaced, `log` bytes written to a file that is
// rotated), LEAK bytes are kept on the heap and NATIVE bytes in mappings outside it for ever, sessions are opened
// or closed until HELD bytes are held, WARM goroutines with a deep stack are started and wait. Each line is
// answered with the requests so far.
package main

import (
	"bufio"
	"container/list"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"syscall"
)

var told = map[string]int{"seed": 1, "entry": 2048}
var chance *rand.Rand

type entry struct {
	key   int
	value []byte
}

var (
	cache  = map[int]*list.Element{}
	order  = list.New()
	cached int
	slots  [][]byte
	log    *os.File
	logged int64
	page   [][]byte
)

// Memory that is fresh from the kernel is not there before somebody writes to it.
func piece(size int) []byte {
	made := make([]byte, size)
	for at := 0; at < size; at += 1024 {
		made[at] = 1
	}
	return made
}

func ask(key int) {
	if found, ok := cache[key]; ok {
		order.MoveToFront(found)
		return
	}
	size := told["entry"]/2 + chance.Intn(told["entry"])
	cache[key] = order.PushFront(&entry{key, piece(size)})
	cached += size
	for told["entries"] > 0 && order.Len() > told["entries"] || told["bytes"] > 0 && cached > told["bytes"] {
		oldest := order.Remove(order.Back()).(*entry)
		delete(cache, oldest.key)
		cached -= len(oldest.value)
	}
}

func request(line []byte) {
	page = page[:0]
	for left := told["garbage"]; left > 0; left -= 1024 {
		page = append(page, piece(1024))
	}
	if told["keys"] > 0 {
		ask(chance.Intn(told["keys"]))
	}
	if len(slots) > 0 {
		size := 256 << chance.Intn(9)
		slots[chance.Intn(len(slots))] = piece(size + chance.Intn(size))
	}
	if log != nil {
		log.WriteAt(line, logged)
		if logged += int64(len(line)); logged > 24<<20 {
			log.Truncate(0)
			logged = 0
		}
	}
}

func deep(left int, wait chan bool) int {
	var frame [256]int
	frame[left] = left
	if left == 0 {
		<-wait
		return frame[0]
	}
	return deep(left-1, wait) + frame[left]
}

func main() {
	for _, word := range os.Args[1:] {
		name, value, _ := strings.Cut(word, "=")
		told[name], _ = strconv.Atoi(value)
	}
	chance = rand.New(rand.NewSource(int64(told["seed"])))
	slots = make([][]byte, told["slots"])
	line := []byte(strings.Repeat(".", told["log"]))
	if told["log"] > 0 {
		log, _ = os.Create("service.log")
	}
	var leaked, native, sessions [][]byte
	wait := make(chan bool)
	lines := bufio.NewScanner(os.Stdin)
	for done := 0; lines.Scan(); fmt.Println(done) {
		var requests, leak, off, held, warm int
		fmt.Sscan(lines.Text(), &requests, &leak, &off, &held, &warm)
		for at := 0; at < requests; at++ {
			request(line)
		}
		done += requests
		for ; leak > 0; leak -= 1024 {
			leaked = append(leaked, piece(1024))
		}
		for ; off > 0; off -= 16384 {
			mapped, err := syscall.Mmap(-1, 0, 16384, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
			if err != nil {
				panic(err)
			}
			for at := 0; at < len(mapped); at += 4096 {
				mapped[at] = 1
			}
			native = append(native, mapped)
		}
		for len(sessions) < held/4096 {
			sessions = append(sessions, piece(4096))
		}
		for len(sessions) > held/4096 {
			sessions[0] = nil
			sessions = sessions[1:]
		}
		for ; warm > 0; warm-- {
			go deep(6, wait)
		}
	}
}
