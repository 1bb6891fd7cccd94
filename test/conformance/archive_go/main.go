// Checks the public log of an archive with the Go team's own packages for notes and transparency
// logs: opens the checkpoint, rebuilds the whole tree from the entry bundles, compares every tile.
//
// usage: main ARCHIVE VKEY_FILE [EPOCH_VKEY]; prints "ok <origin> <size>", and with the key of the
// first epoch, of which it follows the closing notes to the newest, " epochs <count>" behind it
//
// It never uses tlog.TileHashReader: before golang.org/x/mod v0.40.0 that does not authenticate all
// full tiles (CVE-2026-56865).
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8
const tileWidth = 1 << tileHeight

// hashes is the dense array of all stored hashes of the tree, in the order of package tlog.
type hashes []tlog.Hash

func (all hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(all)) {
			return nil, fmt.Errorf("stored hash %d is not there", index)
		}
		found[i] = all[index]
	}
	return found, nil
}

func main() {
	if err := check(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(archive, vkeyFile string, epochVkey []string) error {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(archive, "log", "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || lines[0] != verifier.Name() {
		return fmt.Errorf("checkpoint of %q with size %q", lines[0], lines[1])
	}
	all, err := rebuild(archive, size)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(size, all)
	if err != nil {
		return err
	}
	if base64.StdEncoding.EncodeToString(root[:]) != lines[2] {
		return fmt.Errorf("the entries give root %v, the checkpoint has %s", root, lines[2])
	}
	if err := compareTiles(archive, size, all); err != nil {
		return err
	}
	if len(epochVkey) == 0 {
		fmt.Println("ok", lines[0], size)
		return nil
	}
	epochs, err := checkEpochs(archive, epochVkey[0], signed, size, all)
	if err != nil {
		return err
	}
	fmt.Println("ok", lines[0], size, "epochs", epochs)
	return nil
}

// checkEpochs follows the closing notes from the first key on, and returns how many there are. The
// key of the epoch in which its last entry lies has signed the checkpoint.
func checkEpochs(archive, vkey string, checkpoint []byte, size int64, all hashes) (int, error) {
	previous := strings.Repeat("0", 64)
	for epoch := 0; ; epoch++ {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return 0, err
		}
		signed, err := os.ReadFile(filepath.Join(archive, "epochs", fmt.Sprintf("%d.note", epoch)))
		if os.IsNotExist(err) {
			_, err := note.Open(checkpoint, note.VerifierList(verifier))
			return epoch, err
		}
		if err != nil {
			return 0, err
		}
		opened, err := note.Open(signed, note.VerifierList(verifier))
		if err != nil {
			return 0, fmt.Errorf("note %d: %w", epoch, err)
		}
		lines := strings.Split(opened.Text, "\n")
		closed, err := strconv.ParseInt(lines[1], 10, 64)
		if err != nil || closed > size {
			return 0, fmt.Errorf("note %d closes %s entries", epoch, lines[1])
		}
		root, err := tlog.TreeHash(closed, all)
		if err != nil {
			return 0, err
		}
		if lines[2] != base64.StdEncoding.EncodeToString(root[:]) ||
			lines[3] != fmt.Sprintf("epoch %d", epoch) || lines[6] != "previous "+previous {
			return 0, fmt.Errorf("note %d does not follow", epoch)
		}
		if closed == size {
			_, err := note.Open(checkpoint, note.VerifierList(verifier))
			return epoch + 1, err
		}
		vkey = strings.TrimPrefix(lines[5], "next ")
		previous = fmt.Sprintf("%x", sha256.Sum256(signed))
	}
}

func rebuild(archive string, size int64) (hashes, error) {
	var all hashes
	for first := int64(0); first < size; first += tileWidth {
		width := min(tileWidth, size-first)
		tile := tlog.Tile{H: tileHeight, L: -1, N: first / tileWidth, W: int(width)}
		bundle, err := os.ReadFile(tilePath(archive, tile))
		if err != nil {
			return nil, err
		}
		for at := int64(0); at < width; at++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("bundle %d ends inside entry %d", tile.N, at)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			stored, err := tlog.StoredHashes(first+at, bundle[2:end], all)
			if err != nil {
				return nil, err
			}
			all = append(all, stored...)
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("bundle %d has %d bytes too many", tile.N, len(bundle))
		}
	}
	return all, nil
}

// compareTiles reads every tile that a checkpoint of this size needs.
func compareTiles(archive string, size int64, all hashes) error {
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		count := size >> (tileHeight * level)
		for n := int64(0); n*tileWidth < count; n++ {
			width := int(min(tileWidth, count-n*tileWidth))
			tile := tlog.Tile{H: tileHeight, L: level, N: n, W: width}
			want, err := tlog.ReadTileData(tile, all)
			if err != nil {
				return err
			}
			found, err := os.ReadFile(tilePath(archive, tile))
			if err != nil {
				return err
			}
			if !bytes.Equal(found, want) {
				return fmt.Errorf("%s is not what the entries give", tilePath(archive, tile))
			}
		}
	}
	return nil
}

// tilePath names a tile as c2sp.org/tlog-tiles does: without the height that tlog.Tile.Path has.
func tilePath(archive string, tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	path = strings.Replace(path, "data/", "entries/", 1)
	return filepath.Join(archive, "log", "tile", filepath.FromSlash(path))
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
