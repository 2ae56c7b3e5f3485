use super::*;

const INVITE: &[u8] = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74bf9;rport\r\n\
Max-Forwards: 70\r\n\
From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
To: Bob <sip:bob@biloxi.example.com>\r\n\
Call-ID: 3848276298220188511@atlanta.example.com\r\n\
CSeq: 1 INVITE\r\n\
Contact: <sip:alice@client.atlanta.example.com;transport=tcp>\r\n\
Content-Length: 4\r\n\r\nv=0\n";

#[test]
fn an_ordinary_invite_reads_back() {
    let m = Message::parse(INVITE).unwrap();
    assert_eq!(m.method(), Method::Invite);
    assert_eq!(m.from().tag(), Some("9fxced76sl"));
    assert_eq!(m.via().rport(), Some(None));
    assert_eq!(m.body(), b"v=0\n");
    assert_eq!(Editor::new(&m).finish(), INVITE);
}
