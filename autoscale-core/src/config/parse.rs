//! Text to [`Config`](super::Config): every problem at once. Never a file, a socket, a clock, the environment.
