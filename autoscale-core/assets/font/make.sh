#!/bin/sh
# Makes the two subsets from Debian's fonts-dejavu-core (2.37) with fonttools' pyftsubset.
set -eu
cd "$(dirname "$0")"
for style in "" -Bold; do
    pyftsubset "/usr/share/fonts/truetype/dejavu/DejaVuSans$style.ttf" --output-file="DejaVuSans$style.subset.ttf" \
        --unicodes="U+0020-007E,U+00A0-00FF,U+0131,U+0152-0153,U+0160-0161,U+0178,U+017D-017E,U+0394,U+03BC,U+2009,U+2010-2015,U+2018-201E,U+2022,U+2026,U+202F,U+20AC,U+2190-2193,U+2212,U+221E,U+2248,U+2260,U+2264-2265,U+FFFD" \
        --layout-features=kern --legacy-kern --no-hinting --desubroutinize --name-IDs=0,1,2,3,4,5,6,13,14 --notdef-outline
done
