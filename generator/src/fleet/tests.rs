//! Members that lie, stand still or say nothing, against the real leader and account.

mod hostile;
mod waits;
