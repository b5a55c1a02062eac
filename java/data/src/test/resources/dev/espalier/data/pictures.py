#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures of this folder with Pillow: a gradient of 24 x 16 pixels in many formats."""

import numpy
from PIL import Image

WIDTH, HEIGHT = 24, 16
rows, columns = numpy.mgrid[0:HEIGHT, 0:WIDTH]
red = columns * 255 // 23
green = rows * 255 // 15
blue = (columns + rows) * 255 // 38
colors = numpy.stack([red, green, blue], -1).astype(numpy.uint8)
picture = Image.fromarray(colors)

upright = Image.Exif()
upright[0x0112] = 1
picture.save('upright.jpg', exif=upright, quality=100, subsampling=0)
picture.save('upright.png', exif=upright)
picture.save('upright.webp', exif=upright, lossless=True)
picture.save('upright.tif', tiffinfo={0x0112: 1})

picture.save('progressive.jpg', progressive=True, quality=95)
picture.convert('CMYK').save('cmyk.jpg', quality=95)
picture.convert('CMYK').save('cmyk.tif')
picture.save('jpeg.tif', compression='jpeg', quality=95)
picture.convert('1').save('group4.tif', compression='group4')
Image.fromarray((rows * 4369).astype(numpy.uint16)).save('grey16.tif')

alpha = numpy.dstack([colors, red.astype(numpy.uint8)])
Image.fromarray(alpha).save('alpha.webp', lossless=True)
picture.save('transparent_black.png', transparency=(0, 0, 0))

first = Image.new('P', (WIDTH, HEIGHT), 1)
first.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
first.paste(0, (0, 0, 8, HEIGHT))
first.save('palette.png', transparency=0)
first.save('animated.gif', save_all=True, append_images=[Image.new('P', (WIDTH, HEIGHT), 2)])
