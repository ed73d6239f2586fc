//! A check as a picture: SVG or PNG.
