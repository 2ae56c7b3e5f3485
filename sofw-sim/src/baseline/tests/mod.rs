mod bytes;
mod carry;
mod hostile;
mod world;
