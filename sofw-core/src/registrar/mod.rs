//! Registrar, location service and digest authentication (paper P4).
