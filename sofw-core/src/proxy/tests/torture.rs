//! What RFC 4475's application-layer messages get from us.

use super::*;

fn answer(text: &str) -> Option<u16> {
    let mut world = World::new();
    let text = text.replace('\n', "\r\n");
    let sent = world.say(out("192.0.2.25:5060"), &text);
    sent.iter().map(Sent::status).find(|status| *status >= 200)
}

#[test]
fn unkscm() {
    let text = "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\nTo: sip:user@example.com\n\
        From: sip:caller@example.net;tag=384\nMax-Forwards: 3\nCall-ID: unkscm.nasdfasser0q239nwsdfasdkl34\n\
        CSeq: 3923423 OPTIONS\nVia: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234\nContent-Length: 0\n\n";
    assert_eq!(answer(text), Some(416));
}

#[test]
fn unksm2() {
    let text = "REGISTER sip:example.net SIP/2.0\nTo: isbn:2983792873\nFrom: <http://www.example.com>;tag=3234233\n\
        Call-ID: unksm2.daksdj@hyphenated-host.example.com\nCSeq: 234902 REGISTER\nMax-Forwards: 70\n\
        Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw\nContact: <name:John_Smith>\nl: 0\n\n";
    assert_eq!(answer(text), Some(400));
}

#[test]
fn bext01() {
    let text = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:j_user@example.com\nFrom: sip:caller@example.net;tag=242etr\n\
        Max-Forwards: 6\nCall-ID: bext01.0ha0isndaksdj\nRequire: nothingSupportsThis, nothingSupportsThisEither\n\
        Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\nCSeq: 8 OPTIONS\n\
        Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw\nContent-Length: 0\n\n";
    assert_eq!(answer(text), Some(420));
}

#[test]
fn zeromf() {
    let text = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=3ghsd41\n\
        Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas\nCSeq: 39234321 OPTIONS\n\
        Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i\nMax-Forwards: 0\nContent-Length: 0\n\n";
    assert_eq!(answer(text), Some(483));
}

#[test]
fn badvers() {
    let text = "OPTIONS sip:t.watson@example.org SIP/7.0\nVia: SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw\n\
        Max-Forwards: 70\nFrom: A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe\nTo: T. Watson <sip:t.watson@example.org>\n\
        Call-ID: badvers.31417@c.example.com\nCSeq: 1 OPTIONS\nl: 0\n\n";
    // Its Via is of a version that we do not speak either, so there may be nobody to tell.
    assert!(matches!(answer(text), None | Some(505)));
    let text = text.replace("SIP/7.0/UDP", "SIP/2.0/UDP");
    assert_eq!(answer(&text), Some(505));
}

#[test]
fn multi01() {
    let text = "INVITE sip:user@company.com SIP/2.0\nContact: <sip:caller@host25.example.net>\n\
        Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\nMax-Forwards: 70\nCSeq: 5 INVITE\nCall-ID: multi01.98asdh@192.0.2.1\n\
        CSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\nFrom: sip:caller@example.com;tag=3413415\n\
        To: sip:user@example.com\nTo: sip:other@example.net\nFrom: sip:caller@example.net;tag=2923420123\nl: 0\n\
        Contact: <sip:caller@host36.example.net>\nMax-Forwards: 5\n\n";
    assert_eq!(answer(text), Some(400));
}

#[test]
fn insuf() {
    let text = "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\n\
        Content-Length: 0\n\n";
    assert!(matches!(answer(text), None | Some(400)));
}

#[test]
fn inv2543_is_accepted() {
    let mut world = World::new();
    let phone = hq("10.10.10.10:5060");
    world.register("alice", phone);
    let text = format!(
        "INVITE sip:alice@example.net SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\n\
         From: <sip:+13035551111@ift.client.example.org;user=phone>\n\
         Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\nTo: sip:+16505552222@ss1.example.net;user=phone\n\
         Call-ID: inv2543.1717@ift.client.example.com\nCSeq: 56 INVITE\nContent-Type: application/sdp\n\n{}",
        SDP.replace("\r\n", "\n")
    )
    .replace('\n', "\r\n");
    let caller = out("192.0.2.5:5060");
    let sent = world.say(caller, &text);
    assert_eq!(sent[0].to, phone);
    assert_eq!(sent[0].one("Max-Forwards"), "70");
    assert_eq!(sent[0].body(), SDP);
    let again = world.say(caller, &text);
    assert_eq!((again.len(), again[0].status()), (1, 100), "a retransmission, though without branch");
    let busy = world.say(phone, &reply(&sent[0], 486, "x", &[], ""));
    let busy = busy.iter().find(|s| s.status() == 486).expect("486");
    let ack = format!(
        "ACK sip:alice@example.net SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n\
         From: <sip:+13035551111@ift.client.example.org;user=phone>\r\nTo: {}\r\n\
         Call-ID: inv2543.1717@ift.client.example.com\r\nCSeq: 56 ACK\r\n\r\n",
        busy.one("To")
    );
    assert!(world.say(caller, &ack).is_empty());
    assert!(world.wait(Duration::from_secs(40)).is_empty(), "the ACK was understood");
}
