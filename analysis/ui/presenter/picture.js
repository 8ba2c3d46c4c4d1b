// A picture that Headcount drew, in which every text of others has been made harmless.

export default function ({ parentElement, data }) {
  parentElement.querySelector(".picture").innerHTML = data.picture;
}
