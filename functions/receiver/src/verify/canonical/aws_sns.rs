//! Amazon SNS: `{field}\n{value}\n` for the fields that a message has.
//!
//! The publisher chooses the message and its subject, including line feeds. So one text could be split into fields in
//! more than one way, and a publisher to a topic of their own could make Amazon sign a text that reads as our
//! message. This is impossible if no other field contains a line feed, because then the text has only one split from
//! its end.

use super::super::Rejection;
use serde_json::Value;
use tidings_config::AWS_SNS_FIELDS;

/// The fields that the publisher chooses.
const FREE: [&str; 2] = ["Message", "Subject"];

pub(super) fn feed(json: Option<&Value>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Rejection> {
    for field in AWS_SNS_FIELDS {
        let Some(value) = json.and_then(|body| body.get(field)).filter(|value| !value.is_null()) else { continue };
        let text = value.as_str().ok_or(Rejection::MalformedBody)?;
        if text.contains('\n') && !FREE.contains(&field) {
            return Err(Rejection::MalformedBody);
        }
        for piece in [field, "\n", text, "\n"] {
            sink(piece.as_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(body: &Value) -> Result<String, Rejection> {
        let mut text = Vec::new();
        feed(Some(body), &mut |bytes| text.extend_from_slice(bytes))?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn fields_stand_in_their_order_and_absent_ones_dont() {
        let body = json!({"Type": "Notification", "Message": "a\nb", "TopicArn": "arn", "Subject": null, "Other": "x"});
        assert_eq!(text(&body).unwrap(), "Message\na\nb\nTopicArn\narn\nType\nNotification\n");
    }

    /// A text signed for a publisher's own topic, split so that it names another topic.
    #[test]
    fn a_text_can_be_split_in_one_way_only() {
        let theirs = json!({"Message": "x\nTopicArn\nours\nType\nNotification", "TopicArn": "theirs", "Type": "Notification"});
        let recut = json!({"Message": "x", "TopicArn": "ours", "Type": "Notification\nTopicArn\ntheirs\nType\nNotification"});
        assert!(text(&theirs).is_ok());
        assert_eq!(text(&recut), Err(Rejection::MalformedBody));
    }

    #[test]
    fn a_field_that_is_not_a_text_is_ignored() {
        assert_eq!(text(&json!({"Message": 1})), Err(Rejection::MalformedBody));
    }
}
