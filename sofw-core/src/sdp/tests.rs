use super::*;

#[test]
fn addresses_and_ports_are_read() {
    let sdp = Sdp::parse(
        b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
    )
    .unwrap();
    assert_eq!(sdp.media()[0].rtp, Some("10.0.0.1:4000".parse().unwrap()));
    assert_eq!(sdp.media()[0].rtcp, Some("10.0.0.1:4001".parse().unwrap()));
}
