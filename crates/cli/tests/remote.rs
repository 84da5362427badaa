//! A daemon on another machine: by ssh, over a program of that name that plays the other machine, and
//! by TLS, with certificates made for the test.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "remote/ssh.rs"]
mod ssh;
#[cfg(test)]
#[path = "remote/tls.rs"]
mod tls;
