package corpus

import (
	"encoding/binary"
	"slices"
)

const (
	bitmapSide   = 512 // pixels, and octets
	bitmapHeader = 14 + 40 + 4*256
)

// makeBitmap paints 512 x 512 pixels of grey as a BMP file: clouds, and the noise that a camera adds.
func makeBitmap(r *rng) []byte {
	const size = bitmapHeader + bitmapSide*bitmapSide
	b := make([]byte, 0, size)
	b = append(b, "BM"...)
	for _, v := range []uint32{size, 0, bitmapHeader, 40, bitmapSide, bitmapSide, 1 | 8<<16, 0, bitmapSide * bitmapSide, 2835, 2835, 256, 256} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for i := range 256 {
		b = append(b, byte(i), byte(i), byte(i), 0)
	}
	h := relief(r)
	low, high := h[0][0], h[0][0]
	for _, row := range h {
		low, high = min(low, slices.Min(row[:])), max(high, slices.Max(row[:]))
	}
	for _, row := range h[:bitmapSide] {
		for _, v := range row[:bitmapSide] {
			grey := (v-low)*bitmapRange/(high-low) + (256-bitmapRange)/2 + r.between(-bitmapNoise, bitmapNoise) + r.between(-bitmapNoise, bitmapNoise)
			b = append(b, byte(max(0, min(255, grey))))
		}
	}
	return b
}

// How much there is to compress: the more grey values, the rougher and the noisier, the less.
const (
	bitmapRange = 250 // grey values from the darkest to the brightest
	bitmapRough = 66  // per cent of the roughness that are left at half the distance
	bitmapNoise = 3   // grey values, up and down, twice
)

// relief returns heights of a landscape: each step puts points midway between the ones that are there, and moves them at random, less far than the
// step before. The numbers are whole: others could differ from one processor to the next.
func relief(r *rng) *[bitmapSide + 1][bitmapSide + 1]int {
	var h [bitmapSide + 1][bitmapSide + 1]int
	rough := 1 << 16
	for y := 0; y <= bitmapSide; y += bitmapSide {
		for x := 0; x <= bitmapSide; x += bitmapSide {
			h[y][x] = r.between(-rough, rough) / 2
		}
	}
	for step := bitmapSide; step > 1; step /= 2 {
		half := step / 2
		for y := half; y < bitmapSide; y += step {
			for x := half; x < bitmapSide; x += step {
				h[y][x] = (h[y-half][x-half]+h[y-half][x+half]+h[y+half][x-half]+h[y+half][x+half])/4 + r.between(-rough, rough)
			}
		}
		for y := 0; y <= bitmapSide; y += half {
			for x := (y + half) % step; x <= bitmapSide; x += step {
				sum, n := 0, 0
				for _, d := range [4][2]int{{-half, 0}, {half, 0}, {0, -half}, {0, half}} {
					if y, x := y+d[0], x+d[1]; 0 <= y && y <= bitmapSide && 0 <= x && x <= bitmapSide {
						sum += h[y][x]
						n++
					}
				}
				h[y][x] = sum/n + r.between(-rough, rough)
			}
		}
		rough = rough * bitmapRough / 100
	}
	return &h
}
