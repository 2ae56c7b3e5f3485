mod arbitrary;
mod files;
mod mistakes;
mod reading;
mod round_trip;
