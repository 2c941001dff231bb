// SPDX-License-Identifier: GPL-2.0

// A static program that has no C library under it: the runtime of Go makes its
// own system calls. The server echoes what comes, the clients send a file and
// compare the hash of what comes back.
//
//	go_echo server ADDRESS:PORT
//	go_echo client ADDRESS:PORT FILE CLIENTS
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

// echo is one connection of the server; io.Copy splices from socket to socket.
func echo(conn *net.TCPConn) {
	defer conn.Close()
	if _, err := io.Copy(conn, conn); err != nil {
		log.Print("echo: ", err)
		return
	}
	conn.CloseWrite()
}

func serve(address string) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go echo(conn.(*net.TCPConn))
	}
}

// send sends a file, by sendfile, and closes that half of the connection.
func send(conn *net.TCPConn, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = io.Copy(conn, f); err != nil {
		return err
	}
	return conn.CloseWrite()
}

// talk is one client: what comes back has to have the hash that it wants.
func talk(address, file string, want []byte) error {
	dialed, err := net.Dial("tcp4", address)
	if err != nil {
		return err
	}
	defer dialed.Close()
	conn := dialed.(*net.TCPConn)
	sent := make(chan error, 1)
	go func() { sent <- send(conn, file) }()
	back := sha256.New()
	n, err := io.Copy(back, conn)
	if err != nil {
		return err
	}
	if err = <-sent; err != nil {
		return err
	}
	if !bytes.Equal(back.Sum(nil), want) {
		return fmt.Errorf("%d bytes came back, and are not what was sent", n)
	}
	return nil
}

func clients(address, file string, count int) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	want := sha256.Sum256(data)
	done := make(chan error, count)
	for i := 0; i < count; i++ {
		go func() { done <- talk(address, file, want[:]) }()
	}
	for i := 0; i < count; i++ {
		if e := <-done; e != nil {
			err = e
		}
	}
	return err
}

func main() {
	var err error

	switch {
	case len(os.Args) == 3 && os.Args[1] == "server":
		err = serve(os.Args[2])
	case len(os.Args) == 5 && os.Args[1] == "client":
		var count int
		if count, err = strconv.Atoi(os.Args[4]); err == nil {
			err = clients(os.Args[2], os.Args[3], count)
		}
	default:
		err = fmt.Errorf("usage: go_echo server ADDRESS:PORT | client ADDRESS:PORT FILE CLIENTS")
	}
	if err != nil {
		log.Fatal(err)
	}
}
