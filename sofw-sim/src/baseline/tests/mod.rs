mod bytes;
mod carry;
mod hostile;
mod wire;
mod world;
