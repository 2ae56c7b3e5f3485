//! The reduced E-model of ITU-T G.107 for G.711 with packet loss concealment.

use sofw_core::base::Duration;

/// Mean opinion score (1 to 4.41) of a conversation with G.711 and packet loss concealment.
///
/// - `mouth_to_ear`: one way, everything counted from the mouth to the ear.
/// - `missed_share`: packets that were not played, 0 to 1: lost and late ones.
/// - `burst_ratio`: mean length of a run of missed packets against that of the same loss at random (G.107 §7.5); 1 is random, and
///   values beyond 1 to 8 are taken as the nearest.
///
/// ITU-T G.107 with all other parameters at their defaults: `R = 93.2 − Id − Ie,eff`, and annex B from R to the score. Of `Id`
/// only the delay itself counts, by the usual approximation of two straight lines that meet at 177.3 ms.
pub fn mos(mouth_to_ear: Duration, missed_share: f64, burst_ratio: f64) -> f64 {
    let rating = DEFAULT_RATING - delay_impairment(mouth_to_ear) - loss_impairment(missed_share, burst_ratio);
    score(rating)
}

/// `Id`, approximated.
fn delay_impairment(mouth_to_ear: Duration) -> f64 {
    let ms = mouth_to_ear.as_secs_f64() * 1_000.0;
    0.024 * ms + 0.11 * (ms - 177.3).max(0.0)
}

/// `Ie,eff` of G.107 §7.5 with `Ie` = 0.
fn loss_impairment(missed_share: f64, burst_ratio: f64) -> f64 {
    let percent = missed_share.clamp(0.0, 1.0) * 100.0;
    95.0 * percent / (percent / burst_ratio.clamp(1.0, BURST_RATIO_MAX) + ROBUSTNESS)
}

/// G.107 annex B.
fn score(rating: f64) -> f64 {
    match rating {
        rating if rating <= 0.0 => 1.0,
        rating if rating >= 100.0 => 4.5,
        // The polynomial dips below 1 for ratings under 6.5.
        rating => (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).max(1.0),
    }
}

/// R with all parameters at their defaults and no delay.
const DEFAULT_RATING: f64 = 93.2;
/// `Bpl` of G.711 with packet loss concealment (ITU-T G.113 appendix I).
const ROBUSTNESS: f64 = 25.1;
/// Longer bursts are silences, of which the model says nothing.
const BURST_RATIO_MAX: f64 = 8.0;
