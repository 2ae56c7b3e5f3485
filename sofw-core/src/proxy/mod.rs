//! The record-routing proxy (paper P5, P6).
