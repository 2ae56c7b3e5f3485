mod contract;
mod hostile;
mod phones;
mod world;
