mod charts;
mod files;
mod formats;
mod pages;
mod sample;
mod texts;
mod well_formed;
