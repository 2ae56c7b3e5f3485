mod forks;
mod lines;
mod paper;
mod property;
mod world;
