// Checks a proof of one record with the Go team's own packages for notes and transparency logs: the
// entry in the log and the record in the entry's block, both with tlog.CheckRecord.
//
// usage: main PROOF VKEY_FILE; prints "ok <origin> entry <index> record <number>" and, when the
// record is disclosed, its length in bytes
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type extra struct {
	Entry  string
	Record *struct {
		At         int64
		Path       []tlog.Hash
		Leaf       *tlog.Hash
		Salt, Data []byte
	}
}

type entry struct {
	Inner struct {
		N    int64
		Root tlog.Hash
	}
	Seq [2]int64
}

func main() {
	said, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func check(proofFile, vkeyFile string) (string, error) {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return "", err
	}
	proof, err := os.ReadFile(proofFile)
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(string(proof), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return "", errors.New("no tlog-proof")
	}
	opened, err := note.Open([]byte(parts[1]), note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	checkpoint := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(checkpoint[1], 10, 64)
	if err != nil {
		return "", err
	}
	root, err := tlog.ParseHash(checkpoint[2])
	if err != nil {
		return "", err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return "", err
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return "", err
		}
		path = append(path, hash)
	}
	said, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return "", err
	}
	var parsed extra
	if err := json.Unmarshal(said, &parsed); err != nil {
		return "", err
	}
	leaf := tlog.RecordHash([]byte(parsed.Entry))
	if err := tlog.CheckRecord(path, size, root, index, leaf); err != nil {
		return "", err
	}
	record, err := checkRecord(parsed)
	return fmt.Sprintf("ok %s entry %d%s", checkpoint[0], index, record), err
}

func checkRecord(parsed extra) (string, error) {
	record := parsed.Record
	if record == nil {
		return "", nil
	}
	var block entry
	if err := json.Unmarshal([]byte(parsed.Entry), &block); err != nil {
		return "", err
	}
	leaf := record.Leaf
	said := ""
	if leaf == nil {
		hash := tlog.Hash(sha256.Sum256(append(append([]byte{0}, record.Salt...), record.Data...)))
		leaf = &hash
		said = fmt.Sprintf(" of %d bytes", len(record.Data))
	}
	err := tlog.CheckRecord(record.Path, block.Inner.N, block.Inner.Root, record.At, *leaf)
	return fmt.Sprintf(" record %d%s", block.Seq[0]+record.At, said), err
}
