mod called;
mod contract;
mod hostile;
mod phones;
mod property;
mod world;
